"""How often this machine's kernel could not send a TCP segment again: its own rules drop what goes out then.

Measured with Linux 6: a rule of OUTPUT that drops a SYN makes each repetition of it count in TcpExt
TCPRetransFail of /proc/net/netstat, which anybody may read; a SYN that is lost on the way does not.
"""

from __future__ import annotations

from pathlib import Path

_FILE = Path("/proc/net/netstat")


def failed_sends() -> int | None:
    """The count since the boot, None where the kernel does not tell it."""
    try:
        lines = _FILE.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return None
    rows = [line.split() for line in lines if line.startswith("TcpExt:")]
    values = dict(zip(*rows[:2], strict=False)) if len(rows) == 2 else {}
    count = values.get("TCPRetransFail", "")
    return int(count) if count.isdecimal() else None
