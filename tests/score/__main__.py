"""``python -m score``: how often the product is right. See ``--help``."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from hosts.testbed import Testbed, open_testbed
from score.case import KINDS, Case, load_cases
from score.judge import Outcome
from score.run import Result, show_case
from score.series import Series, Unmade, commit_of
from score.table import choose, line, page, table
from sites.table import kept as sites

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "accuracy.md"


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="score", description="How often the product is right, on real hosts."
    )
    parser.add_argument("--case", default="", help="a comma list of names (also NAME*), or kinds")
    parser.add_argument(
        "--checkout", type=Path, default=ROOT, help="whose product is asked (default: this one)"
    )
    parser.add_argument("--jobs", type=int, default=2, help="hosts at a time (default 2)")
    parser.add_argument("--output", type=Path, help="a folder for the reports, one folder a case")
    parser.add_argument("--list", action="store_true", help="list the cases")
    parser.add_argument(
        "--text", action="store_true", help="show the text report and what ssh -v says; judge nothing"
    )
    parser.add_argument(
        "--hold", type=float, default=0, help="with --text: leave the host broken for so many seconds"
    )
    parser.add_argument(
        "--witness", action="store_true", help="with --output: ssh.txt says what ssh -v came to"
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="with --output: what lies there of this commit is not asked again",
    )
    parser.add_argument("--command", default="python -m score", help="what the page says it was written by")
    return parser.parse_args(words)


def main() -> int:
    """Runs the chosen cases; writes docs/accuracy.md if these were all. 1 if something is not right."""
    asked = arguments()
    everything = load_cases()
    cases = choose(everything, asked.case)
    if not cases:
        print(f"no case is called {asked.case}", file=sys.stderr)
        return 2
    if asked.list:
        print("\n".join(f"{case.kind:8} {case.name}  {case.fault}".rstrip() for case in cases))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that hosts are removed
    series = Series(
        checkout=asked.checkout,
        commit=commit_of(asked.checkout),
        jobs=asked.jobs,
        output=asked.output,
        witness=asked.witness,
    )
    results = series.kept(cases) if asked.resume else []
    left = [case for case in cases if case not in [it.case for it in results]]
    done = [*_run(left, series, asked)] if left else []
    results += [it for it in done if isinstance(it, Result)]
    unmade = [it for it in done if isinstance(it, Unmade)]
    return _tell(results, unmade, len(results) == len(everything), asked.command)


def _run(cases: Sequence[Case], series: Series, asked: argparse.Namespace) -> Iterator[Result | Unmade]:
    images = {"noinit", *(image for case in cases for image in images_of(case))}
    with (
        tempfile.TemporaryDirectory(prefix="sshdoctor-score-") as scratch,
        open_testbed(Path(scratch), sorted(images)) as bed,
    ):
        if asked.text:
            _show(cases, bed, Path(scratch), asked)
        else:
            yield from series.run(cases, bed, Path(scratch) / "cases")


def images_of(case: Case) -> set[str]:
    """The images of all its machines."""
    return {case.image, *(machine.image for machine in case.machines.values())}


def _show(cases: Sequence[Case], bed: Testbed, scratch: Path, asked: argparse.Namespace) -> None:
    for case in cases:
        print(f"== {case.name}: {case.fault}\nright: {case.right} ({case.expect.cause})\n")
        print(show_case(case, bed, scratch / case.name, asked.checkout, asked.hold))


def _tell(results: list[Result], unmade: list[Unmade], all_of_them: bool, command: str) -> int:
    print("\n".join(map(line, results)))
    print("\n".join(f"{it.name} could not be made: {it.why}" for it in unmade))
    if results:
        print(table(results))
    if all_of_them:
        results.sort(key=lambda it: (KINDS.index(it.case.kind), it.case.name))
        PAGE.write_text(page(results, command, datetime.now(UTC).date()) + sites())
    right = all(it.judgement.outcome == Outcome.RIGHT for it in results)
    return 0 if right and not unmade else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except msgspec.ValidationError as error:
        sys.exit(str(error))
