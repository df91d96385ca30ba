"""OpenSSH's client as a second witness: it must see the reply that a scenario is written for."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

REFUSED = "Connection refused"
UNREACHABLE = "No route to host"
SAYS = {
    "ok": "exit 0$",
    "banner": "exit 0$",  # one login is enough: where two families greet, only one goes on
    "rst": REFUSED,
    "silence": "Connection timed out(?! during)",
    "icmp-net-unreachable": "Network is unreachable",
    "icmp-host-unreachable": UNREACHABLE,
    "icmp-proto-unreachable": "Protocol not available",
    "icmp-port-unreachable": REFUSED,
    "icmp-net-prohibited": "Network is unreachable",
    "icmp-host-prohibited": UNREACHABLE,
    "icmp-admin-prohibited": UNREACHABLE,
    "icmp6-no-route": "Network is unreachable",
    "icmp6-adm-prohibited": "connect to .*: Permission denied",
    "icmp6-addr-unreachable": UNREACHABLE,
    "icmp6-port-unreachable": REFUSED,
    "local-unreachable": UNREACHABLE,
    "name-not-found": "Could not resolve hostname",
    "no-banner": "timed out during banner exchange",
    "closed-before-banner": "kex_exchange_identification: (Connection closed|read: Connection reset)",
    "not-ssh": "kex_exchange_identification|timed out during banner exchange|invalid format",
    "kex-failed": "no matching",
    "host-key-changed": "HOST IDENTIFICATION HAS CHANGED",
    # PAM can close the connection once the key is accepted; libwrap and others close it before any banner.
    "auth-denied": r"Permission denied \(|\A(?!(?s:.*)kex_exchange)(?s:.*)^Connection closed by \S+ port",
    "session-closed": "exit (1|254)$",
}
"""What its user reads for a reply word (connect(2)'s errors are those of the kernel's icmp_err_convert)."""


def agrees(reply: str, said: str) -> bool:
    return re.search(SAYS[reply], said, re.MULTILINE) is not None


def try_login(
    destination: str,
    *,
    port: int,
    user: str,
    key: Path,
    known_hosts: Path,
    flags: Sequence[str] = (),
    prefix: Sequence[str] = (),
    seconds: int,
) -> str:
    """What ``ssh`` says, and ``exit N`` in the last line. ``prefix`` goes before the command."""
    options = {
        "BatchMode": "yes",
        "ConnectTimeout": seconds,
        "GlobalKnownHostsFile": "/dev/null",
        "IdentitiesOnly": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": known_hosts,
    }
    settings = [f"-o{name}={value}" for name, value in options.items()]
    login = ["-i", str(key), "-p", str(port), "-l", user, destination, "true"]
    command = [*prefix, "ssh", "-F", "none", *settings, *flags, *login]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )
    return f"{done.stderr}exit {done.returncode}"
