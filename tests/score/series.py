"""Many cases, some at a time; what each came to is kept, so that a series can go on where it was ended."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from hosts.engine import EngineError
from hosts.testbed import Testbed
from score.case import Case, Struct
from score.run import Result, run_case
from score.table import line

KEPT = "result.json"


class Unmade(Struct, frozen=True, kw_only=True):
    """A case whose host could not be made, which says nothing about the product."""

    name: str
    why: str


class Kept(Struct, frozen=True, kw_only=True):
    """A result, and the commit of the checkout that it is about."""

    commit: str
    result: Result


class Series(Struct, frozen=True, kw_only=True):
    """How cases are run: whose product is asked, and where the reports are kept (None: nowhere)."""

    checkout: Path
    commit: str
    jobs: int
    output: Path | None
    witness: bool

    def run(self, cases: Sequence[Case], bed: Testbed, scratch: Path) -> Iterator[Result | Unmade]:
        """What came of each, in their order."""
        with ThreadPoolExecutor(self.jobs) as pool:
            try:
                yield from pool.map(lambda case: self._one(case, bed, scratch / case.name), cases)
            finally:
                pool.shutdown(cancel_futures=True)

    def kept(self, cases: Sequence[Case]) -> list[Result]:
        """What an earlier series with this output came to, where commit and case are still the same."""
        if self.output is None:
            return []
        files = [self.output / case.name / KEPT for case in cases]
        found = [msgspec.json.decode(path.read_bytes(), type=Kept) for path in files if path.exists()]
        return [it.result for it in found if it.commit == self.commit and it.result.case in cases]

    def _one(self, case: Case, bed: Testbed, folder: Path) -> Result | Unmade:
        try:
            result = run_case(case, bed, folder, self.checkout, self.witness)
        except (EngineError, OSError) as error:
            print(f"{case.name} could not be made: {error}", file=sys.stderr, flush=True)
            return Unmade(name=case.name, why=str(error))
        print(line(result), file=sys.stderr, flush=True)
        (folder / KEPT).write_bytes(msgspec.json.encode(Kept(commit=self.commit, result=result)))
        if self.output:
            shutil.copytree(folder, self.output / case.name, dirs_exist_ok=True, ignore=_no_sockets)
        return result


def commit_of(checkout: Path) -> str:
    """The commit that a checkout stands at. Raises CalledProcessError if it is none of git's."""
    asked = ["git", "-C", str(checkout), "rev-parse", "--short", "HEAD"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


def _no_sockets(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if (Path(folder) / name).is_socket()]
