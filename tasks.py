"""``invoke TASK`` in a checkout: the product's own tasks, and the ones by which it is built."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

from sshdoctor.cli import namespace as product
from sshdoctor.command_line import exit_codes
from sshdoctor.command_line.program import run_program


@task(auto_shortflags=False)
def lint(context: Context) -> None:
    """Style and types: ruff, mypy --strict."""
    context.run("ruff check . && ruff format --check . && mypy", pty=False)


@task(
    auto_shortflags=False,
    help={
        "no-containers": "leave out what needs root and a container engine",
        "drills": "with --long, what goes wrong in the middle of a remedy: all that may, or a sample",
        "long": "only what takes long and wants the machine for itself",
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
    """Lint, then the tests; real hosts are broken in containers. The long ones only with --long."""
    if not (oracle.isascii() and oracle.isdecimal() and 0 < int(oracle[:9]) < 10**8):
        raise Exit(f"--oracle {oracle}: a number from 1 up", exit_codes.USAGE)
    if drills not in ("all", "sample"):
        raise Exit(f"--drills {drills}: all or sample", exit_codes.USAGE)
    if score:
        _score(context, case, jobs)
        return
    lint(context)
    asked = {"SSHDOCTOR_ORACLE": oracle, "SSHDOCTOR_DRILLS": drills}
    if long:
        context.run(f"{sys.executable} -m pytest -m long", pty=False, env=asked)
        return
    left_out = "Left out, see `invoke test --long`: most repairs of real hosts, drills, twins, every Debian."
    print(left_out, file=sys.stderr, flush=True)
    choice = "not long and not containers" if no_containers else "not long"
    context.run(f"{sys.executable} -m pytest -m '{choice}'", pty=False, env=asked)


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
    names = ("firewall", "diagnose", "remedy")
    runs = [context.run(f"{sys.executable} -m bench.{name}", pty=False, warn=True) for name in names]
    if not all(runs):
        raise Exit("bench: a limit does not hold", 1)


@task(auto_shortflags=False)
def docs(context: Context) -> None:
    """Write docs/causes.md anew from the checks."""
    context.run(f"{sys.executable} -m checks.causes_page", pty=False, env=_with_tests())


namespace = Collection(*product.tasks.values(), lint, test, bench, docs)

# The `invoke` command ends with 1 on an unknown flag; the contract says 2, and that is our program's.
if Path(sys.argv[0]).name in ("invoke", "inv"):
    run_program(namespace, "invoke")
