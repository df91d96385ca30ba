"""The one sequence of a diagnosis: complete the login, look from outside, look inside, report."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.access import prepare
from sshdoctor.diagnosis.background import Background
from sshdoctor.diagnosis.outside import Outside, ProbeOptions, look_outside
from sshdoctor.diagnosis.setup import DiagnosisSetup, checks_of, wanted_of
from sshdoctor.diagnosis.unsent import failed_sends
from sshdoctor.inventory import complete
from sshdoctor.model import Host, HostReport, endpoint
from sshdoctor.services import load

if TYPE_CHECKING:
    from sshdoctor.access.base import Access
    from sshdoctor.access.capture.capture import Capture
    from sshdoctor.checks.load import Check
    from sshdoctor.diagnosis.inside import Inside

_log = logging.getLogger(__name__)
_LOOKING, _ASKING, _KNOWN = ({"next_stage": stage} for stage in ("looking inside", "asking the checks", ""))
"""What is being done after a line of the log: shown on a terminal while one waits."""

Around = Mapping[str, Mapping[str, Any]]
"""What this machine says of itself on the way to each address, by address."""

# The rooms that come later are imported while the client's side is already under way.


class Diagnosis(Struct, frozen=True, kw_only=True):
    """A report, the facts that it rests on (one mapping for each address), and what was seen inside."""

    report: HostReport
    facts: tuple[Mapping[str, Any], ...]
    inside: Inside

    @property
    def on_disk(self) -> bool:
        """Its files alone were seen, on a mounted disk: its system does not run."""
        return self.inside.used.via == "chroot"

    def close(self) -> None:
        if self.inside.access is not None:
            self.inside.access.close()


def diagnose(
    host: Host, setup: DiagnosisSetup, *, to_repair: bool = False, capture: Capture | None = None
) -> Diagnosis:
    """The diagnosis of ``host``; ``to_repair``: the way in stays open, and is the caller's to close.

    A ``capture`` is asked instead of the host. Raises CaptureError.
    """
    outside = Background(lambda: _look_outside(host, setup.probing))
    if host.ways[0].connection != "local":
        prepare()  # while the service is dialled
    from sshdoctor import facts
    from sshdoctor.diagnosis.inside import look_inside

    wanted = setup.wanted() if host.site is None else wanted_of(setup.checks(), host)
    facts.commands(wanted.facts)
    completed, seen = outside.result()
    for reply in seen.replies:
        _log.info(
            "%s: dialled %s: %s", host.name, endpoint(reply.address, reply.port), reply.word, extra=_LOOKING
        )
    around = Background(lambda: _look_here(completed, seen, setup))
    inside = look_inside(
        completed,
        seen,
        wanted,
        setup.probing,
        to_repair=to_repair,
        capture=capture,
        meanwhile=setup.checks,
    )
    for attempt in inside.used.tried:
        _log.info("%s: way in by %s: %s %s", host.name, attempt.via, attempt.reply, attempt.detail)
    _log.info("%s: looked inside by %s", host.name, inside.used.via or "no way", extra=_ASKING)
    from sshdoctor.diagnosis.report import build_report, facts_by_address

    checks = checks_of(setup.checks(), completed)
    met = _measured(completed, seen, inside, around.result(), setup)
    known = facts_by_address(completed, seen, inside, met)
    report = build_report(completed, seen, inside, checks, known)
    weak = load(completed.service).weaknesses(known[0])
    report = replace(report, notes=(*report.notes, *weak, *_own_checks(checks)))
    _log.info("%s: %d checks asked: %s", host.name, len(report.checks), report.verdict, extra=_KNOWN)
    return Diagnosis(report=report, facts=known, inside=inside)


def _own_checks(checks: Sequence[Check]) -> Iterator[str]:
    """Whose checks were asked beside those that came with this program."""
    for check in checks:
        if check.whose:
            yield f"The check {check.whose}, was asked as well."


def _look_outside(host: Host, probing: ProbeOptions) -> tuple[Host, Outside]:
    """The host with what the user's own configuration adds, and what a client gets there."""
    completed, began, before = complete(host), time.time(), failed_sends()
    if host.asked_from is not None:
        completed = replace(completed, asked_from=complete(host.asked_from))
    seen = look_outside(completed, probing)
    after = failed_sends()
    unsent = None if before is None or after is None else after - before
    return completed, replace(seen, when=began, unsent=unsent)


def _look_here(host: Host, seen: Outside, setup: DiagnosisSetup) -> Around:
    from sshdoctor.diagnosis.here import look_here  # only where a dial failed is anything asked here

    return look_here(host, seen, setup.probing.timeout, setup.this_machine)


def _measured(host: Host, seen: Outside, inside: Inside, around: Around, setup: DiagnosisSetup) -> Around:
    """``around``, with what sizes of packets come through where the login or its session stalled."""
    from sshdoctor.diagnosis.here import measure_stalled
    from sshdoctor.diagnosis.report import replies_of

    measured = measure_stalled(host, replies_of(seen, inside), setup.probing.timeout)
    every = {*around, *measured}
    return {address: {**around.get(address, {}), **measured.get(address, {})} for address in every}


def enter_again(diagnosis: Diagnosis, probing: ProbeOptions) -> Access:
    """The way in that was used, opened anew: only so is it known that it still works. Raises AccessError."""
    from sshdoctor.diagnosis.inside import enter

    assert diagnosis.inside.way is not None  # noqa: S101 -- nothing is repaired without a way in
    return enter(diagnosis.inside.way, probing)
