"""What runs, mails and comes back on a host that should not: facts in, findings out.

Nothing here asks a host. What an ordinary user could have written chooses nothing and proves nothing by
itself: a program is guilty by the kernel's word for it, its place, its package and who began it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sshdoctor.examination.entry import way_in
from sshdoctor.examination.findings import Culprit, Examination, Heap, Kind, Line
from sshdoctor.examination.incidents import incidents
from sshdoctor.examination.innocents import innocents
from sshdoctor.examination.keys import guilty_keys
from sshdoctor.examination.known import Known, known
from sshdoctor.examination.load import left_request, load
from sshdoctor.examination.mail import count_mail
from sshdoctor.examination.origin import origin_of
from sshdoctor.examination.programs import Verdict, judge
from sshdoctor.examination.sites import guilty_files, is_lock, provider_did
from sshdoctor.examination.steps import load_steps, steps
from sshdoctor.examination.traces import doubts, traces
from sshdoctor.facts.frozen.running import Process

FACTS = ("identity", "running", "mechanisms", "site_files", "requests", "letters", "entries")
"""What a host is asked."""

__all__ = ["FACTS", "Examination", "examine"]


def examine(facts: Mapping[str, Any]) -> Examination:
    """What the facts of one host come to."""
    host = known(facts)
    judged = [(process, judge(process, host)) for process in host.processes]
    culprits = [_culprit(process, verdict, host) for process, verdict in judged if verdict.why]
    mail = count_mail(host, culprits)
    heaps = mail.heaps if mail else ()
    culprits += _mailing(judged, culprits, heaps, host)
    lines = _persistence(host, culprits, heaps)
    busy = () if culprits or lines else tuple(load(host))
    kind = _kind(host, culprits, lines, heaps, busy)
    return Examination(
        kind=kind,
        culprits=tuple(culprits) or busy,
        persistence=lines,
        mail=mail,
        entry=left_request(host) if busy else way_in(host, culprits, lines, heaps),
        stop=load_steps(busy) if busy else steps(host, culprits, lines, heaps),
        provider_did=tuple(provider_did(host)),
        innocent=innocents(host, judged, culprits or busy, lines),
        incidents=tuple(incidents(host, heaps)),
        doubts=(
            *doubts(host),
            *(f"what sent {one.count} letters of {one.name}" for one in heaps if one.open),
        ),
    )


def _culprit(process: Process, verdict: Verdict, host: Known) -> Culprit:
    origin = origin_of(process, verdict.program, host)
    return Culprit(
        process=process,
        user=host.user(process.uid),
        program=verdict.program,
        title_is_a_lie=verdict.lies,
        why=verdict.why,
        origin=origin,
    )


def _mailing(
    judged: Sequence[tuple[Process, Verdict]], culprits: Sequence[Culprit], heaps: Sequence[Heap], host: Known
) -> list[Culprit]:
    """The processes whose script sent guilty letters."""
    had = {one.process.pid for one in culprits}
    names = {heap.name: heap.why for heap in heaps if heap.guilty and heap.by == "script"}
    return [
        _culprit(
            process, Verdict(program=verdict.program, why=(f"it mails: {names[verdict.program]}",)), host
        )
        for process, verdict in judged
        if verdict.program in names and process.pid not in had
    ]


def _persistence(host: Known, culprits: Sequence[Culprit], heaps: Sequence[Heap]) -> tuple[Line, ...]:
    """Each line once; what the provider locked is none of them."""
    found = [line for one in culprits for line in one.origin.lines if line.file not in _logs(host)]
    found += traces(host)
    found += guilty_keys(host, culprits)
    found += guilty_files(host, culprits, [heap for heap in heaps if not heap.abused])
    return tuple(dict.fromkeys(line for line in found if not is_lock(line.file, host)))


def _logs(host: Known) -> set[str]:
    return {one.log for one in host.requests}


def _kind(
    host: Known,
    culprits: Sequence[Culprit],
    lines: Sequence[Line],
    heaps: Sequence[Heap],
    busy: Sequence[Culprit],
) -> Kind:
    if culprits or lines or any(heap.guilty and not heap.abused for heap in heaps):
        return "misuse"
    if any(heap.abused for heap in heaps):
        return "abuse"
    if busy:
        return "load"
    open_heaps = any(heap.open for heap in heaps)
    return "undecided" if open_heaps or host.unseen or host.hidden or host.privileged is False else "well"
