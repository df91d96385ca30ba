"""A unit that systemd starts again after starts that failed.

Sources: systemd.service(5) (Restart=), org.freedesktop.systemd1(5) (NRestarts, SubState); systemd's messages
of a service that ended and of the restart that it then schedules.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from sshdoctor.facts.parsing.journal_lines import Line
from sshdoctor.facts.parsing.output import number
from sshdoctor.model import Unknown

_AGAIN = "Scheduled restart job"
_ENDED = re.compile(r"Failed with result '([a-z-]+)'")


def is_retried(unit: Mapping[str, str]) -> bool:
    """Between two starts, or in one that follows another that failed (systemd.service(5), Restart=)."""
    if unit.get("ActiveState") != "activating":
        return False
    return "auto-restart" in unit.get("SubState", "") or (number(unit.get("NRestarts")) or 0) > 0


def last_two(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """What was written since the start before the last one was begun with."""
    begun = [place for place, line in enumerate(lines) if line.pid == 1 and _AGAIN in line.message]
    return lines[begun[-2] :] if len(begun) > 1 else lines


def result_before(unit: Mapping[str, str], lines: tuple[Line, ...] | Unknown) -> str:
    """systemd forgets the result when it starts once more; its log has it."""
    if (result := unit.get("Result", "success")) != "success":
        return result
    own = () if isinstance(lines, Unknown) else [line.message for line in lines if line.pid == 1]
    found = [word[1] for message in own if (word := _ENDED.search(message))]
    return found[-1] if found else ""
