"""Where sshd and its session program stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sshdoctor.disk import Disk

SSHD = ("/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd", "/opt/openssh/sbin/sshd")
SESSIONS = (
    "/usr/lib/openssh/sshd-session",
    "/usr/libexec/openssh/sshd-session",
    "/usr/libexec/sshd-session",
    "/usr/lib/ssh/sshd-session",
)


def program(disk: Disk) -> str | None:
    """The path of sshd on the disk, None if it has none."""
    return next((path for path in SSHD if disk.is_program(path)), None)
