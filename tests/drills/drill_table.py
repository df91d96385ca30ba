"""``python -m drills.drill_table`` holds every drill, and writes what came of it to docs/drills.md.

Given names of playbooks, it holds every drill of these, and leaves the rows of the others as they are.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from drills.drilling import Outcome, hold_every
from drills.drills import KINDS, NOT_DRILLED, load_cases
from hosts.testbed import open_testbed

PAGE = Path(__file__).parents[2] / "docs" / "drills.md"
MARK = "<!-- drills -->\n"


def rows_of(outcomes: Sequence[Outcome]) -> dict[str, str]:
    """By playbook and scenario: how many drills of each kind were held, and how many failed."""
    held: Counter[tuple[str, str]] = Counter()
    good: Counter[tuple[str, str]] = Counter()
    for outcome in outcomes:
        key = (f"{outcome.drill.case.playbook} | {outcome.drill.case.scenario}", outcome.drill.kind)
        held[key] += 1
        good[key] += not outcome.faults
    return {
        row: " | ".join(_cell(good[row, kind], held[row, kind]) for kind in KINDS)
        for row in dict.fromkeys(row for row, _ in held)
    }


def rows_on(page: str) -> dict[str, str]:
    """Those that the page has.

    >>> rows_on("| playbook | broken by | killed |\\n|---|---|---|\\n| a | b | 1 of 2 |\\n")
    {'a | b': '1 of 2'}
    """
    lines = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("| ")]
    found = {f"{cells[0].strip()} | {cells[1].strip()}": cells[2:] for cells in lines}
    return {
        row: " | ".join(cell.strip() for cell in cells)
        for row, cells in found.items()
        if not row.startswith(("playbook |", "**all**"))
    }


def table(rows: Mapping[str, str]) -> str:
    """A row for each playbook and scenario, in the order of drills.yml, and one for all."""
    lines = [f"| playbook | broken by | {' | '.join(KINDS)} |", f"|---|---|{'---|' * len(KINDS)}"]
    order = [f"{case.playbook} | {case.scenario}" for case in load_cases()]
    lines += [f"| {row} | {rows[row]} |" for row in order if row in rows]
    columns = zip(*(rows[row].split("|") for row in order if row in rows), strict=True)
    sums = [[*map(sum, zip(*map(_numbers, column), strict=True))] for column in columns]
    return "\n".join([*lines, f"| **all** |  | {' | '.join(_cell(*pair) for pair in sums)} |"]) + "\n"


def _numbers(cell: str) -> tuple[int, int]:
    """
    >>> _numbers(" 10 of 12 "), _numbers("7"), _numbers(" ")
    ((10, 12), (7, 7), (0, 0))
    """
    good, _, held = cell.strip().partition(" of ")
    return int(good or 0), int(held or good or 0)


def _cell(good: int, held: int) -> str:
    if not held:
        return ""
    return str(held) if good == held else f"{good} of {held}"


def summary(outcomes: Sequence[Outcome], names: Sequence[str]) -> str:
    good = sum(not outcome.faults for outcome in outcomes)
    whose = f" of {', '.join(names)}" if names else ""
    return (
        f"{datetime.now(UTC):%Y-%m-%d}: {len(outcomes)} drills{whose} were held; after {good} of them the "
        "host was as reachable as before, and in the state that it had to be in.\n"
    )


def main(names: Sequence[str]) -> None:
    def tell(outcome: Outcome) -> None:
        print("failed" if outcome.faults else "ok", outcome.drill, *outcome.faults[:1], flush=True)

    with tempfile.TemporaryDirectory() as folder, open_testbed(Path(folder)) as testbed:
        whole = [case for case in load_cases() if not names or case.playbook in names]
        outcomes = hold_every(whole, testbed, tell)
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(page(text, outcomes, names), encoding="utf-8")
    sys.exit(any(outcome.faults for outcome in outcomes))


def page(text: str, outcomes: Sequence[Outcome], names: Sequence[str]) -> str:
    """The page with what came of ``outcomes``; ``names`` are the playbooks that were drilled, if not all."""
    head, mark, rest = text.partition(MARK)
    said = rest.partition("| playbook |")[0].strip() if names else ""
    told = summary(outcomes, names)
    rows = {**(rows_on(rest) if names else {}), **rows_of(outcomes)}
    notes = "".join(f"- `{name}` is not drilled: {why}.\n" for name, why in NOT_DRILLED.items())
    return f"{head}{mark}{said}{chr(10) * 2 if said else ''}{told}\n{table(rows)}\n{notes}"


if __name__ == "__main__":
    main(sys.argv[1:])
