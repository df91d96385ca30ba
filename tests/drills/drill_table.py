"""``python tests/drills/drill_table.py`` holds every drill, and writes what came of it to docs/drills.md.

Given names of playbooks, it holds every drill of these, and a sample of the others'.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from drills.drilling import Outcome, hold_all, hold_every
from drills.drills import KINDS, NOT_DRILLED, load_cases, sample
from hosts.testbed import open_testbed

PAGE = Path(__file__).parents[2] / "docs" / "drills.md"
MARK = "<!-- drills -->\n"


def table(outcomes: Sequence[Outcome]) -> str:
    """A row for each playbook and scenario: how many drills of each kind were held, and how many failed."""
    held: Counter[tuple[str, str]] = Counter()
    good: Counter[tuple[str, str]] = Counter()
    for outcome in outcomes:
        row = f"{outcome.drill.case.playbook} | {outcome.drill.case.scenario}"
        for key in ((row, outcome.drill.kind), ("**all** | ", outcome.drill.kind)):
            held[key] += 1
            good[key] += not outcome.faults
    rows = dict.fromkeys(row for row, _ in held if not row.startswith("**"))
    lines = [f"| playbook | broken by | {' | '.join(KINDS)} |", f"|---|---|{'---|' * len(KINDS)}"]
    for row in (*rows, "**all** | "):
        cells = [_cell(good[row, kind], held[row, kind]) for kind in KINDS]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(good: int, held: int) -> str:
    if not held:
        return ""
    return str(held) if good == held else f"{good} of {held}"


def summary(outcomes: Sequence[Outcome]) -> str:
    good = sum(not outcome.faults for outcome in outcomes)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}: {len(outcomes)} drills were held; after {good} of them the host was "
        "as reachable as before, and in the state that it had to be in.\n"
    )


def main(names: Sequence[str]) -> None:
    def tell(outcome: Outcome) -> None:
        print("failed" if outcome.faults else "ok", outcome.drill, *outcome.faults[:1], flush=True)

    with tempfile.TemporaryDirectory() as folder, open_testbed(Path(folder)) as testbed:
        cases = load_cases()
        whole = [case for case in cases if not names or case.playbook in names]
        outcomes = hold_every(whole, testbed, tell)
        outcomes += hold_all(sample([case for case in cases if case not in whole]), testbed, tell)
    head, _, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    notes = "".join(f"- `{name}` is not drilled: {why}.\n" for name, why in NOT_DRILLED.items())
    PAGE.write_text(f"{head}{MARK}{summary(outcomes)}\n{table(outcomes)}\n{notes}", encoding="utf-8")
    sys.exit(any(outcome.faults for outcome in outcomes))


if __name__ == "__main__":
    main(sys.argv[1:])
