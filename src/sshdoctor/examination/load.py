"""Load that nobody brought in: workers of PHP in a page that its visitor has left, programs of one cron line
that run beside each other.

Sources: nginx's 499 (the client closed the connection); PHP-FPM changes into the script's folder for the time
of a request, so that the kernel's cwd tells which one. What only burns is not named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import PurePosixPath

from sshdoctor.examination.findings import Culprit, Origin, Way
from sshdoctor.examination.known import Known
from sshdoctor.examination.mentions import mentions
from sshdoctor.examination.origin import served_file
from sshdoctor.examination.places import base, is_interpreter
from sshdoctor.examination.programs import DELETED, script_of
from sshdoctor.facts.frozen.requests import Request
from sshdoctor.facts.frozen.running import Process

_LEFT = (499, 504)
_HOUR = 3600.0
_BESIDE = 3


def load(known: Known) -> Iterator[Culprit]:
    """The processes that make the load, each with the file that it stands in."""
    yield from _stuck(known)
    yield from _overlapping(known)


def left_request(known: Known) -> Way | None:
    """The last request that its visitor gave up and that still runs."""
    files = {one.program for one in _stuck(known)}
    asked = [one for one in _left(known) if served_file(one.path, known) in files]
    return Way(asked[-1].log, asked[-1].line, first_use=False) if asked else None


def _left(known: Known) -> list[Request]:
    return [one for one in known.requests if one.status in _LEFT and one.at > known.now - _HOUR]


def _stuck(known: Known) -> Iterator[Culprit]:
    left = _left(known)
    files = list(dict.fromkeys(file for one in left if (file := served_file(one.path, known))))
    for process in known.processes:
        if process.uid == 0 or not _is_worker(process, known):
            continue
        within = [file for file in files if _stands_in(process, file, known)]
        if within:
            yield _culprit(process, within[-1], "its visitor has left, and it runs on", "web request", known)


def _is_worker(process: Process, known: Known) -> bool:
    """One of PHP-FPM's: its program is, or its parent's where it may not be seen."""
    above = known.process(process.parent)
    exe = process.exe or (above.exe if above is not None else "")
    return base(exe.removesuffix(DELETED)).startswith("php-fpm")


def _stands_in(process: Process, file: str, known: Known) -> bool:
    """By its folder; where that may not be seen: of its owner's files, one that several have left."""
    if process.cwd:
        return str(PurePosixPath(file).parent) == process.cwd
    left = [one for one in _left(known) if served_file(one.path, known) == file]
    late = [one for one in left if one.at >= process.since]
    return known.sites.files[file].uid == process.uid and len(left) >= _BESIDE and bool(late)


def _overlapping(known: Known) -> Iterator[Culprit]:
    groups: dict[tuple[int, str], list[Process]] = {}
    for process in known.processes:
        program = script_of(process) if is_interpreter(process.exe) else process.exe
        if program and "cron.service" in process.units and not base(program).startswith("cron"):
            groups.setdefault((process.uid, " ".join(process.words) or program), []).append(process)
    for beside in _heads(groups.values(), known):
        times = sorted(one.since for one in beside)
        begun = 1 + sum(late - early > 30 for early, late in pairwise(times))
        if begun >= _BESIDE:
            for process in beside:
                program = script_of(process) if is_interpreter(process.exe) else process.exe
                why = f"{len(beside)} of them run beside each other, each begun before the last had ended"
                found = mentions(program, known, ("cron",))
                yield _culprit(process, program, why, "cron", known, found)


def _heads(groups: Iterable[Sequence[Process]], known: Known) -> Iterator[list[Process]]:
    """Of each group those that no other process of these groups began: what they start is theirs."""
    every = [*groups]
    pids = {one.pid for beside in every if len(beside) >= _BESIDE for one in beside}
    for beside in every:
        if heads := [one for one in beside if not _began_by(one, pids, known)]:
            yield heads


def _began_by(process: Process, pids: set[int], known: Known) -> bool:
    seen, at = {process.pid}, known.process(process.parent)
    while at is not None and at.pid not in seen:
        if at.pid in pids:
            return True
        seen.add(at.pid)
        at = known.process(at.parent)
    return False


def _culprit(
    process: Process, program: str, why: str, way: str, known: Known, origin: Origin | None = None
) -> Culprit:
    found = origin or Origin(started_by="web request" if way == "web request" else "cron", file=program)
    return Culprit(
        process=process,
        user=known.user(process.uid),
        program=program,
        title_is_a_lie=False,
        why=(why,),
        origin=found,
    )


def manager_of(process: Process) -> str:
    """The unit of a worker, without ".service"."""
    return next(
        (one.removesuffix(".service") for one in process.units if one.endswith(".service")), "php-fpm"
    )
