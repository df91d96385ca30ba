"""What changed since a login last worked, as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from sshdoctor.model import History
from sshdoctor.reports.layout.printable import printable

_SHOWN = 8


def history_lines(history: History) -> Iterator[RenderableType]:
    """The last changes, in UTC; where there is none that is told as well."""
    who = f"{printable(history.user)}, " if history.user else ""
    yield Text("")
    yield _line(f"Since the last login that worked ({who}{_moment(history.since)} UTC):", 2)
    left = len(history.changes) - _SHOWN
    if left > 0:
        yield _line(f"… {left} changes before these (--format json has all)", 4)
    for one in history.changes[-_SHOWN:]:
        yield _line(f"{_moment(one.when)} {printable(one.what)}", 4)
    if not history.changes and not history.unseen:
        yield _line("no change is seen in packages, units, a boot, or the files that let people in.", 4)
    if history.unseen:
        yield _line(f"Not seen: changes of {', '.join(history.unseen)}.", 4)


def _moment(when: float) -> str:
    return f"{datetime.fromtimestamp(when, UTC):%Y-%m-%d %H:%M:%S}"


def _line(text: str, columns: int) -> RenderableType:
    return Padding(Text(text), (0, 0, 0, columns))
