"""Drills are held: the remedy is stopped, something goes wrong, and the host is compared with what it was."""

from __future__ import annotations

import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from drills.drilled import DrilledHost, drilled_host, files, outcome_of
from drills.drills import AFTER_TASKS, WITHOUT_SYSTEMD, Case, Drill, disturbed, undisturbed
from hosts.scenario import load_scenarios
from hosts.state import differences, state_of
from hosts.testbed import Testbed

SIDE_BY_SIDE = 5
PATIENCE = 45
"""Seconds beyond the guard time in which a restore must have ended; the machine is busy with other drills."""

_LOCK_OUT = "for tool in iptables ip6tables; do $tool -t raw -I PREROUTING -p tcp -j DROP; done"
_STOP = "if [ -d /run/systemd/system ]; then systemctl stop ssh.socket ssh.service; else pkill -o -x sshd; fi"
SABOTAGES = {
    "rules": _LOCK_OUT,
    "stopped": _STOP,
    "spoilt": f"echo Nonsense >>/etc/ssh/sshd_config; {_STOP}",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """``word``: how the remedy stands on the host in the end; ``tasks``: how many it had finished."""

    drill: Drill
    word: str
    tasks: int
    faults: tuple[str, ...]


def hold_all(
    drills: Sequence[Drill], testbed: Testbed, tell: Callable[[Outcome], None] = lambda _: None
) -> list[Outcome]:
    """Side by side, as they mostly wait; ``tell`` hears of each as it ends."""
    places: SimpleQueue[int] = SimpleQueue()
    for place in range(SIDE_BY_SIDE):
        places.put(place)

    def run(drill: Drill) -> Outcome:
        place = places.get()
        try:
            outcome = hold(drill, testbed, place)
        except Exception as error:  # a drill that cannot be held is a fault; the others go on
            outcome = Outcome(drill, "", 0, (f"{type(error).__name__}: {error}",))
        finally:
            places.put(place)
        tell(outcome)
        return outcome

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        return list(pool.map(run, drills))


def hold_every(
    cases: Sequence[Case], testbed: Testbed, tell: Callable[[Outcome], None] = lambda _: None
) -> list[Outcome]:
    """The undisturbed drills, which tell how many boundaries there are, then all others."""
    first = hold_all(undisturbed(cases), testbed, tell)
    drills = [drill for outcome in first for drill in disturbed(outcome.drill.case, outcome.tasks)]
    return first + hold_all(drills, testbed, tell)


def hold(drill: Drill, testbed: Testbed, place: int = 0) -> Outcome:
    """One drill on a host of its own; what was wrong then is in the outcome's ``faults``."""
    scenario = next(one for one in load_scenarios() if one.name == drill.case.scenario)
    with (
        tempfile.TemporaryDirectory() as folder,
        drilled_host(testbed, scenario, Path(folder), place=place, admits=drill.case.admits) as host,
    ):
        state, reach = state_of(host.host), host.reach()
        host.stop_at(drill.boundary)
        flags = ("--yes", "--guard", str(drill.guard), *drill.case.flags)
        process = host.start(drill.way, *drill.case.command, *flags)
        try:
            if drill.kind != "rebooted":
                host.await_stop(process)
            faults = [*_HELD[drill.kind](drill, host, process)]
        finally:
            process.kill()
            process.communicate()
        word = host.word()
        faults += [*_worse(drill, reach, host), *_changed(drill, state, host, word)]
        return Outcome(drill, word, host.passed(), (*faults, host.journal()) if faults else ())


def _killed(drill: Drill, host: DrilledHost, process: subprocess.Popen[str]) -> Iterator[str]:
    process.kill()
    host.go_on()
    yield from _at_rest(drill, host)


def _cut(drill: Drill, host: DrilledHost, process: subprocess.Popen[str]) -> Iterator[str]:
    with host.cut_off():
        host.go_on()
        yield from _at_rest(drill, host)
        yield from _ended(process, 4)


def _sabotaged(drill: Drill, host: DrilledHost, process: subprocess.Popen[str]) -> Iterator[str]:
    host.host.run(SABOTAGES[drill.sabotage])
    host.go_on()
    yield from _at_rest(drill, host)
    yield from _ended(process, 4)


def _interrupted(drill: Drill, host: DrilledHost, process: subprocess.Popen[str]) -> Iterator[str]:
    process.send_signal(signal.SIGINT)
    yield from _ended(process, 130)
    if not host.comes_to_rest(0):
        yield f"it ended, and left the remedy {host.word()}"


def _rebooted_half_way(drill: Drill, host: DrilledHost, process: subprocess.Popen[str]) -> Iterator[str]:
    host.reboot(seconds=10 if isinstance(drill.boundary, int) and drill.boundary % 2 else 0)
    host.go_on()
    if not host.comes_to_rest(PATIENCE):
        yield f"the remedy is still {host.word()} after a reboot"
    yield from _ended(process, 4 if host.word() == "restored" else 0)


def _rebooted(drill: Drill, host: DrilledHost, process: subprocess.Popen[str]) -> Iterator[str]:
    yield from _ended(process, 0)
    repaired = host.reach(spare=False)
    host.reboot(seconds=10)
    rebooted = host.reach(spare=False)
    for place, now in rebooted.items():
        if now < repaired[place]:
            yield f"{place}: came to {repaired[place]} when repaired, and comes to {now} after a reboot"


_HELD: Mapping[str, Callable[[Drill, DrilledHost, subprocess.Popen[str]], Iterable[str]]] = {
    "killed": _killed,
    "cut": _cut,
    "sabotaged": _sabotaged,
    "interrupted": _interrupted,
    "rebooted half way": _rebooted_half_way,
    "rebooted": _rebooted,
}


def _at_rest(drill: Drill, host: DrilledHost) -> Iterator[str]:
    """Wait until the host has put back what it has to."""
    if not host.comes_to_rest(drill.guard + PATIENCE):
        yield f"the remedy is still {host.word()} long after the guard time"


def _ended(process: subprocess.Popen[str], code: int) -> Iterator[str]:
    try:
        output, errors = process.communicate(timeout=90)
    except subprocess.TimeoutExpired:
        yield "the command does not end"
        return
    if process.returncode != code or "Traceback" in errors:
        yield f"exit {process.returncode}, not {code}: {errors}{outcome_of(output)}"


def _worse(drill: Drill, before: Mapping[str, int], host: DrilledHost) -> Iterator[str]:
    """Where OpenSSH's client comes less far than it came before; a reboot ends the spare way in."""
    spare = not drill.kind.startswith("rebooted")
    after = host.reach(spare=spare)
    if any(now < before[place] for place, now in after.items()):  # two seconds may be short on a busy machine
        after = host.reach(spare=spare)
    for place, now in after.items():
        if now < before[place]:
            yield f"{place}: came to {before[place]} before, and comes to {now} now"


def _changed(drill: Drill, before: list[str], host: DrilledHost, word: str) -> Iterator[str]:
    """What was put back must be as it was; what stays must have been proved."""
    if word == "restored":
        after = state_of(host.host)
        if (
            drill.case.scenario not in WITHOUT_SYSTEMD
        ):  # the unit's own: it comes and goes with each attempt to start
            before, after = (
                [line for line in s if not line.startswith("run/sshd ")] for s in (before, after)
            )
        if drill.kind.startswith("rebooted"):  # rules and processes are new with every start of a container
            before, after = files(before), files(after)
        yield from differences(before, after)
    elif word != "confirmed":
        yield f"the remedy stands as {word or 'nothing'}"
    elif max(host.reach(spare=False).values()) < 3:
        yield "it was confirmed, and nobody comes in"
    elif drill.kind != "rebooted" and drill.boundary not in AFTER_TASKS:
        yield "it was confirmed, unproved"
