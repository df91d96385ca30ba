"""The table of what came of all cases, and the page that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from statistics import median

from score.case import KINDS, Case
from score.judge import Outcome
from score.run import Result

COLUMNS = (
    "hosts of",
    "cases",
    "first cause right",
    "way out not right",
    "wrong",
    "proved and wrong",
    "undecided",
    "false healthy",
    "false alarm",
    "all named",
    "seconds",
)
TITLES = {
    "reports": "people's reports",
    "causes": "each cause",
    "pairs": "several faults",
    "healthy": "healthy, looking ill",
}
PAGE = """# Accuracy

Written by `{command}` on {day}: {cases} hosts, each a fresh container (Debian 11, 12 or 13) that is broken,
or only looks it, and dialled by the real command. The cases are files in `tests/score/cases` and
`tests/hosts/scenarios`; the pairs and triples are composed of `tests/score/faults.yml`.

{table}

- *First cause right*: the id of the first cause is the right one, and its fix names what is essential.
- *Way out not right*: the id is right, the fix is not, or it is called surer than can be known.
- *Undecided*: no cause, and the report says that not enough was seen (or there was no report).
- *All named*, of the hosts with several faults: every one of them is told at once.
- *Seconds*: the median of the whole command.

{failures}
"""


def table(results: Sequence[Result]) -> str:
    """In Markdown: a row for each kind of cases, and one for all."""
    rows = [_row(TITLES[kind], [it for it in results if it.case.kind == kind]) for kind in KINDS]
    rows = [row for row in rows if row[1] != "0"] + [_row("all", results)]
    widths = [max(len(row[i]) for row in (COLUMNS, *rows)) for i in range(len(COLUMNS))]
    lines = [_line(COLUMNS, widths), _line(["-" * width for width in widths], widths)]
    return "\n".join(lines + [_line(row, widths) for row in rows])


def page(results: Sequence[Result], command: str, day: date) -> str:
    """docs/accuracy.md."""
    failed = [_failure(it) for it in results if it.judgement.outcome != Outcome.RIGHT]
    head = "Not right:\n\n| case | outcome | why |\n|---|---|---|\n"
    failures = head + "\n".join(failed) if failed else "Every one of them was right."
    return PAGE.format(
        command=command, day=day.isoformat(), cases=len(results), table=table(results), failures=failures
    )


def line(result: Result) -> str:
    """What came of one case."""
    judgement = result.judgement
    why = f": {'; '.join(judgement.why)}" if judgement.why else ""
    behind = {None: "", True: " (all named)", False: " (not all named)"}[judgement.all_named]
    return f"{judgement.outcome:16} {result.seconds:5.1f} s  {result.case.name}{behind}{why}"


def choose(cases: Sequence[Case], wanted: str) -> list[Case]:
    """The cases of a comma list of names, kinds, or beginnings of names with a star."""
    words = [word for word in wanted.split(",") if word]
    return [case for case in cases if not words or any(_is(case, word) for word in words)]


def _is(case: Case, word: str) -> bool:
    return word in (case.name, case.kind) or (word.endswith("*") and case.name.startswith(word[:-1]))


def _row(title: str, results: Sequence[Result]) -> list[str]:
    outcomes = [it.judgement.outcome for it in results]
    named = [it.judgement.all_named for it in results if it.judgement.all_named is not None]
    right = outcomes.count(Outcome.RIGHT)
    share = f" ({100 * right / len(results):.0f}%)" if results else ""
    wrong = outcomes.count(Outcome.WRONG) + outcomes.count(Outcome.WRONG_PROVED)
    counts = [
        len(results),
        f"{right}{share}",
        outcomes.count(Outcome.HALF),
        wrong,
        outcomes.count(Outcome.WRONG_PROVED),
        outcomes.count(Outcome.UNDECIDED) + outcomes.count(Outcome.NO_ANSWER),
        outcomes.count(Outcome.FALSE_HEALTHY),
        outcomes.count(Outcome.FALSE_ALARM),
        f"{named.count(True)} of {len(named)}" if named else "",
        f"{median(it.seconds for it in results):.1f}" if results else "",
    ]
    return [title, *map(str, counts)]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"


def _failure(result: Result) -> str:
    why = "; ".join(result.judgement.why).replace("|", "\\|")
    return f"| {result.case.name} | {result.judgement.outcome} | {why} |"
