"""``python -m protection [CASE ...]``: makes each host, attacks it, asks, and writes a table of answers.

``--keep FOLDER`` keeps what was said before the attack and after it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from hosts.testbed import Testbed, TestHost, open_testbed
from protection.case import (
    KINDS,
    LATER,
    REPORTS,
    Case,
    answers,
    attacked,
    cases,
    compared,
    inventory_of,
    made,
    told,
)
from protection.recorded import record
from sshdoctor.inventory import complete, load_hosts

BOTH = ("before", "after")
"""When a host is asked: the attack is what lies between."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m protection")
    parser.add_argument("case", nargs="*", help="a case, or the start of one's name with *")
    parser.add_argument("--kinds", action="store_true", help="those of kinds.yml")
    parser.add_argument("--reports", action="store_true", help="those of reports.yml")
    parser.add_argument("--later", action="store_true", help="those of later.yml")
    parser.add_argument("--attacked", action="store_true", help="ask after the attack alone")
    parser.add_argument("--keep", type=Path, help="a folder for what was said")
    asked = parser.parse_args()
    files = [KINDS] * asked.kinds + [REPORTS] * asked.reports + [LATER] * asked.later
    chosen = [case for case in cases(*files).values() if _is_meant(case.name, asked.case)]
    folder = Path(tempfile.mkdtemp())
    rows: list[tuple[str, str, bool, bool | None]] = []
    with open_testbed(folder, sorted({case.image for case in chosen})) as testbed:
        for case in chosen:
            try:
                rows += _of(case, testbed, folder, asked.keep, BOTH[asked.attacked :])
            except Exception:  # one host that cannot be made has no say in the others
                traceback.print_exc()
                print(f"{case.name}: not made", flush=True)
    _sum(rows)
    return int(any(said not in (right, None) for _, _, right, said in rows))


def _is_meant(name: str, words: list[str]) -> bool:
    return not words or any(name == w or (w.endswith("*") and name.startswith(w[:-1])) for w in words)


def _of(
    case: Case, testbed: Testbed, folder: Path, keep: Path | None, times: Sequence[str]
) -> Iterator[tuple[str, str, bool, bool | None]]:
    with made(case, testbed) as host:
        for when in times:
            if when == "after":
                noticed, answered = attacked(case, host), answers(case, host)
                print(f"{case.name}: really: noticed {noticed}, banned, answered {answered}", flush=True)
            report = _report(case, when, host, testbed, folder, keep)
            if when == "before" and case.when_banned:
                continue
            for name, right, said in compared(case, report):
                mark = "" if said is right else " null" if said is None else " WRONG"
                print(f"{case.name:26} {when:6} {name:20} {right!s:5} {said!s:5}{mark}", flush=True)
                yield when, name, right, said
            print("   ", *report["why"], sep="\n      - ", flush=True)


def _report(
    case: Case, when: str, host: TestHost, testbed: Testbed, folder: Path, keep: Path | None
) -> Mapping[str, Any]:
    if keep is None:
        return told(case, host, testbed, folder)
    keep.mkdir(exist_ok=True)
    found, *_ = load_hosts("web1", [inventory_of(case, host, testbed, folder)], os.environ)
    said: Mapping[str, Any] = msgspec.to_builtins(record(complete(found), keep / f"{case.name}-{when}.json"))
    return said


def _sum(rows: list[tuple[str, str, bool, bool | None]]) -> None:
    for when in BOTH:
        mine = [(right, said) for at, _, right, said in rows if at == when]
        good = sum(right is said for right, said in mine)
        silent = sum(said is None for _, said in mine)
        print(f"{when}: {good} of {len(mine)} right, {silent} null, {len(mine) - good - silent} wrong")


if __name__ == "__main__":
    sys.exit(main())
