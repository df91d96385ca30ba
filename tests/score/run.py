"""One case from beginning to end: a fresh host, broken, dialled, diagnosed, judged."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

from hosts import engine
from hosts.testbed import Testbed, TestHost
from score.case import Case, Struct
from score.client import BIND, Desk, agent, destination, names, write_files
from score.judge import Judgement, Outcome, judge
from score.network import Place, behind_a_router, near, shell

_numbers = count(1)


class Result(Struct, frozen=True, kw_only=True):
    """What came of one case."""

    case: Case
    judgement: Judgement
    seconds: float
    """How long the product took."""


@contextmanager
def laid_out(case: Case, bed: Testbed, folder: Path) -> Iterator[Desk]:
    """The host of a case, broken, and the client before it. Raises EngineError if a script fails."""
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        host = stack.enter_context(bed.host(case.image, without=case.without))
        others = {
            name: stack.enter_context(bed.host(machine.image)) for name, machine in case.machines.items()
        }
        place = _place(case, host, bed, stack)
        variables = _variables(case, host, others, bed) | place.variables | {"FOLDER": str(folder)}
        if case.client.agent:
            variables |= stack.enter_context(agent(folder))
        desk = _desk(case, host, folder, variables, place)
        keys = {"wrong": bed.other_key.with_suffix(".pub").read_text()}
        keys |= {name: it.host_keys for name, it in others.items()}
        known = keys.get(case.dial.known_hosts, host.host_keys)
        jumps = {it.address4: it.host_keys for it in others.values()}
        write_files(desk, jumps | {variables["DESTINATION"]: known})
        shell(case.client.script, variables)
        for name, machine in case.machines.items():
            others[name].run(machine.break_, variables)
        _break(case, host, variables)
        yield desk


def run_case(case: Case, bed: Testbed, folder: Path, checkout: Path, witness: bool = False) -> Result:
    """What a checkout's product says of a case; its report lies in ``folder`` afterwards.

    With a ``witness``, ``ssh.txt`` says what ``ssh -v`` came to after that.
    """
    with laid_out(case, bed, folder) as desk:
        answer = desk.diagnose(checkout, "--format", "json")
        if witness:
            (folder / "ssh.txt").write_text(desk.ssh())
    (folder / "report.json").write_text(answer.out)
    (folder / "stderr.txt").write_text(answer.err)
    if answer.host is None:
        last = answer.err.strip().splitlines()[-1:] or ["nothing was printed"]
        judgement = Judgement(outcome=Outcome.NO_ANSWER, why=(f"exit {answer.exit}: {last[0]}",))
    else:
        judgement = judge(case.expect.filled(desk.variables), answer.host)
    return Result(case=case, judgement=judgement, seconds=answer.seconds)


def show_case(case: Case, bed: Testbed, folder: Path, checkout: Path, hold: float) -> str:
    """The text report, what ``ssh -v`` says, and then the host stays as it is for ``hold`` seconds."""
    with laid_out(case, bed, folder) as desk:
        answer = desk.diagnose(checkout)
        told = (
            f"{answer.out}{answer.err}exit {answer.exit}, {answer.seconds:.1f} s\n\nssh says:\n{desk.ssh()}\n"
        )
        if hold:
            print(f"{told}\ncontainer {desk.variables['CONTAINER']}, inventory {desk.inventory}", flush=True)
            print(f"dial with: {' '.join(map(repr, desk.prefix))} ...", flush=True)
            time.sleep(hold)
    return told


def _place(case: Case, host: TestHost, bed: Testbed, stack: ExitStack) -> Place:
    if case.network == "near":
        return near(host)
    assert case.network == "router", f"{case.name}: there is no network {case.network}"
    return stack.enter_context(behind_a_router(host, f"{bed.label}-{next(_numbers)}"))


def _variables(case: Case, host: TestHost, others: dict[str, TestHost], bed: Testbed) -> dict[str, str]:
    machines = {name.upper(): it for name, it in others.items()}
    return {
        **host.variables,
        **{f"{name}4": it.address4 for name, it in machines.items()},
        **{name: it.container for name, it in machines.items()},
        "CONTAINER": host.container,
        **{f"{name}_PID": _pid(it) for name, it in machines.items()},
        "PID": _pid(host),
        "LAN": str(host.network.ipv4),
        "KEY": str(bed.key),
        "OTHER_KEY": str(bed.other_key),
        "PUBLIC_KEY": bed.key.with_suffix(".pub").read_text().strip(),
        "DESTINATION": destination(case.dial, host),
    }


def _pid(host: TestHost) -> str:
    """Of its first process, as this machine counts."""
    return engine.podman("inspect", "--format", "{{.State.Pid}}", host.container)


def _desk(case: Case, host: TestHost, folder: Path, variables: dict[str, str], place: Place) -> Desk:
    if (hosts := names(case.dial, host)) is not None:
        (folder / "hosts").write_text(hosts)
        (folder / "nsswitch.conf").write_text("hosts: files\n")
    return Desk(
        case=case,
        folder=folder,
        variables=variables,
        prefix=(*place.prefix, "unshare", "--mount", "sh", "-ec", BIND, str(folder)),
        access=({"connection": "podman", "container": host.container},),
    )


def _break(case: Case, host: TestHost, variables: dict[str, str]) -> None:
    wait = f"\nuntil (\n{case.wait}\n) >/dev/null 2>&1; do sleep 0.1; done" if case.wait else ""
    host.run(case.break_, variables)
    shell(case.outside, variables)
    if wait:
        host.run(wait, variables)
    if case.powers_off:
        engine.podman("wait", host.container)
