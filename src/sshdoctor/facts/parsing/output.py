"""How the output of a command is taken apart; shared by the facts."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

NOT_PERMITTED = Unknown("not permitted")
_DENIED = re.compile(r"permission denied|operation not permitted|you must be root|access denied", re.I)
_MOST_LINES, _MOST_COLUMNS = 6, 300


class RepeatedPartError(ValueError):
    """A part that came twice: one of the two is somebody else's, and which cannot be known."""


def parts(output: str) -> dict[str, str]:
    """The text under each ``## name`` line, by name. Raises RepeatedPartError.

    >>> parts("## uid\\n0\\n## os\\nDebian\\n")
    {'uid': '0', 'os': 'Debian'}
    """
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in output.splitlines():
        if not line.startswith("## "):
            lines.append(line)
            continue
        if line[3:] in found:
            raise RepeatedPartError
        lines = found[line[3:]] = []
    return {name: "\n".join(lines) for name, lines in found.items()}


def properties(text: str) -> dict[str, str]:
    """``KEY=value`` lines, by key; the values of a repeated key are joined by newlines.

    >>> properties("Listen=[::]:22 (Stream)\\nListen=0.0.0.0:22 (Stream)\\n")
    {'Listen': '[::]:22 (Stream)\\n0.0.0.0:22 (Stream)'}
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals:
            found[key] = f"{found[key]}\n{value}" if key in found else value
    return found


def denied(text: str) -> bool:
    """Whether a tool says that it lacks the right to look.

    >>> denied("Operation not permitted (you must be root)")
    True
    """
    return _DENIED.search(text) is not None


def unseen(section: Section) -> Unknown | None:
    """Why the section cannot be relied upon, or None if it is whole."""
    return Unknown(f"its command {section.cut}") if section.cut else None


def evidence(source: str, lines: Iterable[str]) -> tuple[Evidence, ...]:
    """One Evidence with the first few of ``lines``, shortened; none if there are no lines."""
    chosen = [line.rstrip()[:_MOST_COLUMNS] for line in lines if line.strip()][:_MOST_LINES]
    return (Evidence(source, "\n".join(chosen)),) if chosen else ()


def number(text: str | None) -> int | None:
    """A decimal number, or None for anything else.

    >>> number("29"), number("[not set]")
    (29, None)
    """
    return int(text) if text and re.fullmatch(r"-?\d{1,18}", text) else None
