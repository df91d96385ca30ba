"""``invoke TASK`` in a checkout: the product's own tasks, and the ones by which it is built."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

from sshdoctor.cli.collection import namespace as product
from sshdoctor.commands.shared import exit_codes
from sshdoctor.commands.shared.program import run_program

STYLE = "ruff check . && ruff format --check ."
TYPES = "mypy"


@task(auto_shortflags=False)
def lint(context: Context) -> None:
    """Style and types: ruff, mypy --strict."""
    context.run(f"{STYLE} && {TYPES}", pty=False)


@task(
    auto_shortflags=False,
    help={
        "no-containers": "leave out what needs root and a container engine",
        "drills": "with --long, what goes wrong in the middle of a remedy: all that may, or a sample",
        "long": "only what takes long",
        "score": "only how often it is right, on hundreds of hosts; all of them write docs/accuracy.md",
        "case": "with --score: a comma list of cases (also NAME*), or kinds: reports, causes, pairs, healthy",
        "jobs": "with --score: hosts at a time (default 2)",
        "oracle": "how many random rulesets of each generator the kernel is asked about (default 500)",
    },
)
def test(
    context: Context,
    no_containers: bool = False,
    long: bool = False,
    score: bool = False,
    oracle: str = "500",
    drills: str = "sample",
    case: str = "",
    jobs: str = "2",
) -> None:
    """Lint and the tests; real hosts are broken in containers. The long ones only with --long."""
    if not (oracle.isascii() and oracle.isdecimal() and 0 < int(oracle[:9]) < 10**8):
        raise Exit(f"--oracle {oracle}: a number from 1 up", exit_codes.USAGE)
    if drills not in ("all", "sample"):
        raise Exit(f"--drills {drills}: all or sample", exit_codes.USAGE)
    if score:
        _score(context, case, jobs)
        return
    context.run(STYLE, pty=False)
    asked = {"SSHDOCTOR_ORACLE": oracle, "SSHDOCTOR_DRILLS": drills, **COMPILED_ONCE}
    choice = "not long and not containers" if no_containers else "not long"
    if not long:
        left_out = (
            "Left out, see `invoke test --long`: most repairs of real hosts, drills, twins, every Debian."
        )
        print(left_out, file=sys.stderr, flush=True)
    with subprocess.Popen(TYPES, stdout=subprocess.PIPE, text=True) as types:
        codes, cases = _run_tests(context, "long" if long else choice, asked)
        said, _ = types.communicate()
    print(said, end="")
    _tell_slowest(cases)
    if types.returncode or codes - {0, NOTHING_CHOSEN} or codes == {NOTHING_CHOSEN}:
        raise Exit("test: not everything is well", 1)


COMPILED_ONCE = {"PYTHONDONTWRITEBYTECODE": ""}
"""The command is started some hundred times; where this is set, each would compile the whole package."""
SIDE_BY_SIDE = ("not alone", "-n auto --dist loadgroup")
ONE_BY_ONE = ("alone", "-n 0")
NOTHING_CHOSEN = 5
"""pytest's exit code where no test is of the kind that was asked for."""


def _run_tests(
    context: Context, choice: str, asked: Mapping[str, str]
) -> tuple[set[int], list[ElementTree.Element]]:
    """What can run side by side does, then what cannot: pytest's exit codes, and the tests' results."""
    codes: set[int] = set()
    cases: list[ElementTree.Element] = []
    with TemporaryDirectory() as folder:
        for number, (those, how) in enumerate((SIDE_BY_SIDE, ONE_BY_ONE)):
            results = Path(folder) / f"{number}.xml"
            chosen = shlex.join(["-m", f"({choice}) and {those}", "--junit-xml", str(results)])
            done = context.run(f"{sys.executable} -m pytest {chosen} {how}", pty=False, env=asked, warn=True)
            codes.add(1 if done is None else done.exited)
            if results.exists():
                cases += ElementTree.parse(results).iter("testcase")  # noqa: S314  # pytest wrote it just now
    return codes, cases


def _tell_slowest(cases: Sequence[ElementTree.Element], most: int = 20) -> None:
    print(f"The slowest {most}, in seconds:")
    for case in sorted(cases, key=lambda case: -float(case.attrib["time"]))[:most]:
        print(f"{float(case.attrib['time']):7.1f}  {case.attrib['classname']} {case.attrib['name']}")
    failed = sum(case.find("failure") is not None or case.find("error") is not None for case in cases)
    print(f"{len(cases) - failed} passed, {failed} failed", flush=True)


def _with_tests() -> dict[str, str]:
    root = Path(__file__).parent
    return {"PYTHONPATH": f"{root / 'src'}:{root / 'tests'}"}


def _score(context: Context, case: str, jobs: str) -> None:
    if not (jobs.isascii() and jobs.isdecimal() and 0 < int(jobs[:4]) < 100):
        raise Exit(f"--jobs {jobs}: a number from 1 to 99", exit_codes.USAGE)
    words = ["-m", "score", "--command", "invoke test --score", "--case", case, "--jobs", jobs]
    line = shlex.join([sys.executable, *words])
    done = context.run(line, pty=False, warn=True, env=_with_tests())
    if not done:
        raise Exit("score: not every host was right", 1)


@task(auto_shortflags=False)
def bench(context: Context) -> None:
    """Time, side by side with the peers in the same run."""
    names = ("firewall", "diagnose", "sites", "remedy")
    runs = [context.run(f"{sys.executable} -m bench.{name}", pty=False, warn=True) for name in names]
    if not all(runs):
        raise Exit("bench: a limit does not hold", 1)


@task(auto_shortflags=False)
def docs(context: Context) -> None:
    """Write the pages of docs that are made from data anew."""
    for page in ("checks.causes_page", "reasons_page"):
        context.run(f"{sys.executable} -m {page}", pty=False, env=_with_tests())


namespace = Collection(*product.tasks.values(), lint, test, bench, docs)

# The `invoke` command ends with 1 on an unknown flag; the contract says 2, and that is our program's.
if Path(sys.argv[0]).name in ("invoke", "inv"):
    run_program(namespace, "invoke")
