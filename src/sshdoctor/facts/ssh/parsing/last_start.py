"""How the program of a unit ended at its last start, by the states of the unit's commands.

Sources: systemd.exec(5) (exit statuses 200 to 245 are systemd's own helper's), systemd.service(5) (Result).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

COMMAND = re.compile(r"^(?>.*?argv\[\]=)(?>(?P<argv>.*?) ; ).* code=(?P<code>\S*) ; status=(?P<status>\d+)")
"""What ``systemctl show`` prints of one ``Exec...=``."""

_SERVED = 5_000_000
"""Microseconds after which a program that ended had started."""


def ended(unit: Mapping[str, str], shown: str) -> int:
    """The exit status of a program that ended by itself at its start; 0 if none did, or it had served before.

    ``shown`` is all that ``systemctl show`` printed of ``unit``.
    """
    failed = unit.get("Result") == "exit-code" and unit.get("ActiveState") != "active" and not _served(unit)
    return next(_own_statuses(shown), 0) if failed else 0


def of_helper(status: int) -> bool:
    """Whether systemd's own helper ended with it, before the program ran.

    >>> of_helper(217), of_helper(255)
    (True, False)
    """
    return 200 <= status <= 245


def settings(text: str) -> tuple[str, ...]:
    """What drop-ins set, as "LINE (FILE)", of lines that each have the file and then the line.

    >>> settings("/etc/systemd/system/ssh.service.d/a.conf Nice=5")
    ('Nice=5 (/etc/systemd/system/ssh.service.d/a.conf)',)
    """
    rows = (row.partition(" ") for row in text.splitlines())
    return tuple(f"{line.strip()} ({file})" for file, _, line in rows)


def _own_statuses(shown: str) -> Iterator[int]:
    for line in shown.splitlines():
        key, _, value = line.partition("=")
        found = COMMAND.search(value) if key in ("ExecStartPre", "ExecStart") else None
        if found and found["code"] == "exited" and "ignore_errors=yes" not in value:
            status = int(found["status"])
            if status and not of_helper(status):
                yield status


def _served(unit: Mapping[str, str]) -> bool:
    """The unit was active for a while before its program ended."""
    active, begun, end = (
        int(unit.get(f"{name}TimestampMonotonic") or 0)
        for name in ("ActiveEnter", "InactiveExit", "ExecMainExit")
    )
    notified = unit.get("Type", "").startswith("notify")
    return active > 0 and active >= begun and (notified or end - active > _SERVED)
