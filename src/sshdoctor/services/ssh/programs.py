"""By which names SSH servers go: those of their programs, and those of their units."""

from __future__ import annotations

UNITS = ("ssh", "sshd")
"""Debian says ssh, others say sshd."""
OTHER_SERVERS = ("dropbear", "tinysshd", "lsh-server", "lshd", "wolfsshd")
SERVERS = ("sshd", *OTHER_SERVERS)
LOGGING = ("sshd", "sshd-session", "sshd-auth", "dropbear", "dropbearmulti", "tinysshd")
"""The programs that write about a connection; since OpenSSH 9.8 sshd-session serves it."""
