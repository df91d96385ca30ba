"""The fact ``start_end``: what was written at the last start of a service that does not run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from sshdoctor.facts.parsing.journal_lines import Line
from sshdoctor.model import Evidence, Unknown
from sshdoctor.reasons import classify, states_of

_SYSTEMD = 1
_GIVEN_UP = "-start-limit"
"""How the cause ends that systemd names when it gives up, which says nothing of why."""
_SETTING = re.compile(r"\b[A-Z]\w+=")


class StartEnd(Struct, frozen=True, kw_only=True):
    """``words`` are the program's last that name no cause of their own, or ""; ``named``: something that was
    written names the cause.

    ``helper`` is systemd's name of a status of its own helper, such as 200/CHDIR, and ``means`` what that
    could not do; "" both where it did all. ``settings`` are those of the drop-ins that this can be about, as
    "LINE (FILE)".
    """

    words: str | Unknown
    named: bool | Unknown
    helper: str
    means: str
    settings: tuple[str, ...]
    evidence: tuple[Evidence, ...]


def start_end(start: Any) -> StartEnd | Unknown:
    """The fact, from the fact start."""
    if isinstance(start, Unknown):
        return start
    lines = () if start.runs else start.lines
    helper, means = _meaning(start.failed_status)
    return StartEnd(
        words=lines if isinstance(lines, Unknown) else _last_words(lines),
        named=lines if isinstance(lines, Unknown) else any(map(_names_a_cause, lines)),
        helper=helper,
        means=means,
        settings=_meant(start.settings, means),
        evidence=start.evidence,
    )


def _last_words(lines: Iterable[Line]) -> str:
    """The last that the program itself wrote of a kind that ends a start."""
    own = [line for line in lines if line.trusted and line.pid != _SYSTEMD]
    ends = [line.message for line in own if _ends(line)]
    return ends[-1] if ends else ""


def _ends(line: Line) -> bool:
    reason = classify(line.program, line.message)
    return reason is None or reason.entry.ends


def _names_a_cause(line: Line) -> bool:
    reason = classify(line.program, line.message) if line.trusted else None
    cause = reason.cause if reason else None
    return cause is not None and not cause.endswith(_GIVEN_UP)


def _meaning(status: int) -> tuple[str, str]:
    if status < 200:
        return "", ""
    found = [each for each in states_of("systemd") if each.value.startswith(f"{status}/") and each.cause]
    return (found[0].value, found[0].means) if found else ("", "")


def _meant(settings: tuple[str, ...], means: str) -> tuple[str, ...]:
    """Those that ``means`` names; all where it names none of them."""
    named = tuple(_SETTING.findall(means))
    return tuple(line for line in settings if named and line.startswith(named)) or settings
