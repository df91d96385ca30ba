"""Many hosts on a scheduler's workers, each by one of them or by all; what goes wrong stays with the host."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.commands.shared.fleet import failed_report
from sshdoctor.commands.shared.scheduler.connection import Scheduler, connect
from sshdoctor.commands.shared.scheduler.there import Sealed, look, sealed_plan
from sshdoctor.diagnosis.places import side_by_side
from sshdoctor.diagnosis.setup import DiagnosisSetup
from sshdoctor.errors import SshdoctorError, UsageError
from sshdoctor.model import Host, HostReport

_GRACE, _TICK = 5.0, 0.5
_ENDED = "internal error: the worker that examined it was ended"
LEFT = "the scheduler's workers end what they have begun, within its time limits"

Futures = dict["Future[Sealed]", "_Asked"]


class _Asked(Struct, frozen=True):
    """The ``number``th host is examined, by the worker of this name and address, or "" by any."""

    number: int
    name: str = ""
    address: str = ""


def examine_there(
    hosts: Sequence[Host], setup: DiagnosisSetup, address: str, *, all_places: bool
) -> Generator[HostReport]:
    """The report of each host, in the order in which they end; ``all_places``: every worker looks.

    Raises UsageError. Close it to have no more begun.
    """
    sent, notes = [*map(_without_own_ways, hosts)], [*map(_left_out, hosts)]
    scheduler = connect(address)
    try:
        workers = scheduler.workers()
        places = workers if all_places else {"": ""}
        met: list[dict[str, HostReport]] = [{} for _ in hosts]
        for asked, answer in _answers(_submitted(sent, setup, scheduler, places), scheduler):
            if isinstance(answer, SshdoctorError):
                raise answer
            host, reports = hosts[asked.number], met[asked.number]
            reports[asked.name] = answer or failed_report(host, _ENDED)
            if len(reports) == len(places):
                report = side_by_side(reports) if all_places else reports[""]
                yield replace(report, notes=(*report.notes, *notes[asked.number]))
    finally:
        scheduler.close()


def _submitted(
    hosts: Sequence[Host], setup: DiagnosisSetup, scheduler: Scheduler, places: Mapping[str, str]
) -> Futures:
    plan = sealed_plan(setup)  # with each host, 64 kB: what is kept at one worker goes with it
    executors = {name: scheduler.executor(*filter(None, [address])) for name, address in places.items()}
    return {
        executors[name].submit(look, Sealed(host), plan): _Asked(number, name, address)
        for number, host in enumerate(hosts)
        for name, address in places.items()
    }


def _answers(
    futures: Futures, scheduler: Scheduler
) -> Iterator[tuple[_Asked, HostReport | SshdoctorError | None]]:
    """Each with what came of it; None where who was to do it is gone."""
    left, gone = set(futures), _Gone(scheduler)
    try:
        while left:
            done, left = wait(left, timeout=_TICK, return_when=FIRST_COMPLETED)
            for future in done:
                yield futures[future], _answer(future)
            if not done:
                for future in [one for one in left if gone.is_gone(futures[one].address)]:
                    left.discard(future)
                    yield futures[future], None
    finally:
        for future in left:
            future.cancel()


def _answer(future: Future[Sealed]) -> HostReport | SshdoctorError | None:
    try:
        answer: HostReport | SshdoctorError = future.result().open()
    except (Exception, CancelledError):  # a worker that was killed, a line that was cut
        return None
    return answer


class _Gone:
    """Who has been away for longer than a start takes."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler, self._since = scheduler, dict[str, float]()
        self._seen, self._looked = frozenset[str](), 0.0

    def is_gone(self, address: str) -> bool:
        """The worker at ``address``; "" means all of them."""
        now = time.monotonic()
        if now - self._looked > _TICK / 2:
            self._seen, self._looked = self._scheduler.there(), now
        if address in self._seen or (not address and self._seen):
            self._since.pop(address, None)
            return False
        return now - self._since.setdefault(address, now) > _GRACE


def _without_own_ways(host: Host) -> Host:
    """A container, a disk or a shell of this machine is not the worker's. Raises UsageError."""
    ways = tuple(way for way in host.ways if way.login is not None)
    if host.ways and not ways and host.site is None:
        raise UsageError(
            f"--scheduler: {host.name} is entered on this machine alone ({host.ways[0].connection}): "
            "leave it out"
        )
    return replace(host, ways=ways)


def _left_out(host: Host) -> tuple[str, ...]:
    own = dict.fromkeys(way.connection for way in host.ways if way.login is None)
    return tuple(
        f"The way in by {name} is this machine's own: it was not tried from a worker." for name in own
    )
