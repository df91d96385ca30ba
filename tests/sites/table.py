"""The section about sites of docs/accuracy.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sites.run import Result

PAGE = Path(__file__).parents[2] / "docs" / "accuracy.md"
MARK = "<!-- sites -->\n"
_COLUMNS = (
    "right",
    "half",
    "wrong",
    "wrong and proved",
    "undecided",
    "false healthy",
    "false alarm",
    "no answer",
)


def section(results: Mapping[str, Sequence[Result]]) -> str:
    """The table of all results by the kind of case, and what is not right."""
    lines = [
        "## Sites",
        "",
        f"Written by `python -m sites --write` on {datetime.now(UTC):%Y-%m-%d}: real nginx, Apache, PHP-FPM,",
        "each in a fresh container (tests/sites), asked by curl first, then by the real command.",
        "",
        f"| sites of | cases | {' | '.join(_COLUMNS)} | seconds |",
        "|---" * (len(_COLUMNS) + 3) + "|",
        *(_row(kind, found) for kind, found in results.items()),
        _row("all", [one for found in results.values() for one in found]),
        "",
    ]
    wrong = [one for found in results.values() for one in found if one.outcome != "right"]
    lines += [f"- `{one.name}`: {one.outcome}: {one.why}" for one in wrong]
    return "\n".join(lines).rstrip() + "\n"


def _row(kind: str, results: Sequence[Result]) -> str:
    counted = Counter(one.outcome for one in results)
    seconds = median(one.seconds for one in results) if results else 0
    cells = (kind, str(len(results)), *(str(counted[column]) for column in _COLUMNS), f"{seconds:.1f}")
    return f"| {' | '.join(cells)} |"


def write(results: Mapping[str, Sequence[Result]]) -> None:
    """Put the section in the place of the one before."""
    before = PAGE.read_text(encoding="utf-8").partition(MARK)[0].rstrip()
    PAGE.write_text(f"{before}\n\n{MARK}{section(results)}", encoding="utf-8")


def kept() -> str:
    """The section as it stands, for whoever writes the rest of the page."""
    _, mark, rest = PAGE.read_text(encoding="utf-8").partition(MARK)
    return f"\n{mark}{rest}" if mark else ""
