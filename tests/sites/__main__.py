"""``python -m sites [--cases FILE] [--output FOLDER] [--write] [NAME…]``: the score of the sites."""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from hosts.engine import EngineError
from hosts.testbed import Testbed, open_testbed
from sites.case import FILE, FURTHER, HEALTHY, HOPS, MORE, REFUSALS, REPORTED, Case, load_cases
from sites.run import Result, run_case
from sites.table import write

_HEALTHY = "healthy, looking ill"
KINDS = {
    "people's reports": FILE,
    "each cause": MORE,
    "rules that refuse": REFUSALS,
    "one server before another": HOPS,
    "later reports": REPORTED,
    "further reports": FURTHER,
    _HEALTHY: HEALTHY,
}


def scored(cases: Sequence[Case], bed: Testbed, output: Path) -> Iterator[Result]:
    for case in cases:
        try:
            result = run_case(case, bed, output / case.name)
        except EngineError as error:
            result = Result(name=case.name, outcome="not made", why=str(error)[-300:], seconds=0)
        print(f"{result.outcome:17} {result.name:22} {result.seconds:4.1f} s  {result.why}", flush=True)
        yield result


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--cases", type=Path)
    parser.add_argument("--output", type=Path, default=Path(tempfile.mkdtemp()))
    parser.add_argument("--write", action="store_true", help="write the section of docs/accuracy.md")
    given = parser.parse_args()
    kinds = {given.cases.name: given.cases} if given.cases else KINDS
    results: dict[str, list[Result]] = {}
    with tempfile.TemporaryDirectory() as keys, open_testbed(Path(keys), ("web", "debian12")) as bed:
        for kind, file in kinds.items():
            cases = [one for one in load_cases(file) if not given.names or one.name in given.names]
            well = {one.name for one in cases if not one.causes}
            for result in scored(cases, bed, given.output):
                results.setdefault(_HEALTHY if result.name in well else kind, []).append(result)
    print(dict(Counter(one.outcome for found in results.values() for one in found)))
    if given.write and not given.names and not given.cases:
        write(results)


if __name__ == "__main__":
    main()
