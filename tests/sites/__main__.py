"""``python -m sites [--cases FILE] [--output FOLDER] [NAME…]``: the score of the cases about sites."""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path

from hosts.engine import EngineError
from hosts.testbed import open_testbed
from sites.case import FILE, load_cases
from sites.run import Result, run_case


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--cases", type=Path, default=FILE)
    parser.add_argument("--output", type=Path, default=Path(tempfile.mkdtemp()))
    given = parser.parse_args()
    cases = [one for one in load_cases(given.cases) if not given.names or one.name in given.names]
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as keys, open_testbed(Path(keys), ("web", "debian12")) as bed:
        for case in cases:
            try:
                result = run_case(case, bed, given.output / case.name)
            except EngineError as error:
                result = Result(name=case.name, outcome="not made", why=str(error)[-300:], seconds=0)
            outcomes[result.outcome] += 1
            print(f"{result.outcome:17} {result.name:22} {result.seconds:4.1f} s  {result.why}", flush=True)
    print(dict(outcomes))


if __name__ == "__main__":
    main()
