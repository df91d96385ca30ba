"""How it is proved that something stays stopped: one full period of what brought it back, or a visit.

Sources: systemd.service(5) (RestartSec), systemd.timer(5) and systemd.time(7) (spans), crontab(5).
"""

from __future__ import annotations

import re
from typing import Literal

from sshdoctor.examination.findings import Culprit, Examination, Line, Step

ProvedBy = Literal["period", "provoked", "not yet"]
_MINUTE = 65
_MARGIN = 6
_LONGEST = 120
"""Seconds: what comes back less often is not waited for."""
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|msec|s|sec|seconds?|m|min|minutes?|h|hours?|hr)?", re.I)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def period_of(one: Culprit) -> int | None:
    """Seconds of one full period of what brings the process back; None if that is not waited for."""
    texts = [line.text for line in one.origin.lines]
    match one.origin.started_by:
        case "cron":
            return _MINUTE if any(_each_minute(line) for line in one.origin.lines) else None
        case "at":
            return _MINUTE
        case "unit" | "timer" | "supervisor" | "parent":
            spans = [
                _seconds(t.partition("=")[2]) for t in texts if re.match(r"\s*(?:On\w+Sec|RestartSec)\s*=", t)
            ]
            longest = max(spans, default=10.0)
            return round(longest) + _MARGIN if longest < _LONGEST else None
    return None


def seconds_of(found: Examination) -> int:
    """So long all of it is watched together; a few seconds at least, for one that has a twin."""
    periods = [period_of(one) for one in found.culprits] if found.kind == "misuse" else []
    periods += [_MINUTE for line in found.persistence if _each_minute(line) and _names(line, found)]
    return max([10, *(one for one in periods if one)]) if periods else 0


def _names(line: Line, found: Examination) -> bool:
    """Whether the line starts what is watched."""
    programs = [one.program.removesuffix(" (deleted)") for one in found.culprits]
    return any(program in line.text for program in programs)


def proofs(found: Examination, *, done: bool, visited: bool) -> tuple[ProvedBy, ...]:
    """For each step of the plan how it is proved; ``done``: all was done, and nothing came back."""
    return tuple(proved_by(step, found, visited=visited) if done else "not yet" for step in found.stop)


def proved_by(step: Step, found: Examination, *, visited: bool) -> ProvedBy:
    """How ``step`` is proved once all is done and nothing is back; ``visited``: the sites were asked anew."""
    own = [one for one in found.culprits if _is_of(step, one)]
    lines = [line for line in found.persistence if line.file == step.target]
    if step.action in ("login", "advice"):
        return "not yet"
    if lines and not own and all(_each_minute(line) and _names(line, found) for line in lines):
        return "period"
    if step.action in ("reload", "close", "parent"):
        return "period" if step.action == "parent" else "provoked" if visited else "not yet"
    if own and all(period_of(one) for one in own):
        return "period"
    of_sites = all(one.origin.started_by == "web request" for one in own)
    return "provoked" if visited and of_sites and (own or _of_a_page(step.target)) else "not yet"


def _is_of(step: Step, one: Culprit) -> bool:
    files = {one.program, one.origin.file, *one.origin.through, *(line.file for line in one.origin.lines)}
    named = {name.rpartition("/")[2] for name in files} | {one.origin.unit.rpartition(":")[2]}
    return step.target in files or step.target in named or (step.action == "atjobs" and step.user == one.user)


def _of_a_page(path: str) -> bool:
    return bool(re.search(r"\.(?:php\d?|phtml|phar)$|/\.(?:htaccess|user\.ini)$", path))


def _each_minute(line: Line) -> bool:
    """Whether cron runs the line each minute.

    >>> _each_minute(Line("/etc/cron.d/a", 1, "*/1 * * * * root x"))
    True
    """
    return bool(re.match(r"\s*(?:\*|\*/1)\s+\*\s+\*\s+\*\s+\*\s", line.text))


def _seconds(text: str) -> float:
    """A span as systemd writes it: "20s", "1min 30s", "90".

    >>> _seconds("20s"), _seconds("1min 30s"), _seconds("5")
    (20.0, 90.0, 5.0)
    """
    total = 0.0
    for number, unit in _SPAN.findall(text):
        short = "ms" if unit.lower().startswith("ms") else (unit.lower() or "s")[0]
        total += float(number) * _UNITS[short]
    return total
