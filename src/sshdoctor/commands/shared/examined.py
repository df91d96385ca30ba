"""An examination for people: what it is, what to stop and in which order, and how that is known."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from sshdoctor.examination.cleanup.causes import CAUSES
from sshdoctor.examination.document import moment
from sshdoctor.examination.findings import Culprit, Examination, Heap
from sshdoctor.model import AccessUsed
from sshdoctor.reports.layout.folded import folded

KINDS = {
    "misuse": "Somebody got in: programs run or mail that nobody here wanted.",
    "abuse": "Nobody got in: a program of this site is used by strangers.",
    "load": "Nobody got in: an own program makes the load.",
    "well": "Nothing is wrong, as far as this host tells.",
    "undecided": "Not enough could be seen to say either way.",
}
_MOST = 12


def in_words(host: str, used: AccessUsed, found: Examination, width: int) -> str:
    """The report on one host, in lines of ``width`` columns."""
    lines = [f"{host}: {found.kind}. {KINDS[found.kind]}"]
    root = {True: ", as root", False: ", not as root", None: ""}[used.privileged]
    lines.append(f"  Looked in by {used.detail or used.via or 'no way'}{root}; nothing was changed.")
    for title, rows in _parts(host, found):
        told = [*rows]
        if told:
            lines += ["", title, *told[:_MOST]]
            if len(told) > _MOST:
                lines.append(f"  ... and {len(told) - _MOST} more: --format json has all")
    return "".join(f"{line}\n" for text in lines for line in folded(text, width))


def _parts(host: str, found: Examination) -> Iterator[tuple[str, Iterator[str]]]:
    yield "Cannot be trusted, or was not seen", (f"  {text}" for text in found.doubts)
    yield "What runs", (line for one in found.culprits for line in _process(one))
    yield "What brings it back", _persistence(found)
    yield _mail_title(found), (_heap(heap) for heap in found.mail.heaps) if found.mail else iter(())
    yield "How they got in", _entry(found)
    yield (
        "What ended earlier",
        (f"  {one.what}, last {moment(one.last)} ({one.log})" for one in found.incidents if one.ended),
    )
    yield "The provider has done, and it is left alone", (f"  {text}" for text in found.provider_did)
    yield "What would be done, in this order", _steps(found)
    yield "Next", (f"  {line}" for line in next_commands(host, found))
    yield "Innocent, though it may look otherwise", (f"  {one.what}: {one.why}" for one in found.innocent)


def next_commands(host: str, found: Examination) -> list[str]:
    """What is typed now: to have it done, and the letter."""
    cause = next((name for name, kind in CAUSES.items() if kind == found.kind), "")
    named = quote(host)
    stop = [f"sshdoctor remediate --host {named} --cause {cause}"] if cause and found.stop else []
    return [*stop, f"sshdoctor examine --host {named} --format ticket"] if cause else []


def _process(one: Culprit) -> Iterator[str]:
    lie = f", calls itself {' '.join(one.process.words)[:60]!r}" if one.title_is_a_lie else ""
    yield f"  {one.user}, process {one.process.pid}: {one.program}{lie}"
    yield f"    since {moment(one.process.since)}, {one.process.cpu:.1f} s of processor time"
    yield f"    started by {one.origin.started_by}: {one.origin.file or 'not found by what'}"
    yield from (f"    {why}" for why in one.why)


def _persistence(found: Examination) -> Iterator[str]:
    for one in found.persistence:
        yield f"  {one.file}{f':{one.line}' if one.line else ''}  {one.text[:200]}"


def _mail_title(found: Examination) -> str:
    if found.mail is None:
        return ""
    more = "; counted from a sample" if found.mail.sampled else ""
    return f"Letters: {found.mail.queued} wait{more}"


def _heap(heap: Heap) -> str:
    word = (
        "abused"
        if heap.abused
        else "guilty"
        if heap.guilty
        else "not found what sent them"
        if heap.open
        else "innocent"
    )
    return f"  {heap.count:6} by {heap.by} {heap.name}: {word}{f', {heap.why}' if heap.why else ''}"


def _entry(found: Examination) -> Iterator[str]:
    if found.entry is not None:
        first = "the first use that the logs tell of, in" if found.entry.first_use else "in"
        yield f"  {first} {found.entry.log}:"
        yield f"    {found.entry.line[:300]}"
    elif found.kind == "misuse":
        yield "  This host does not tell."


def _steps(found: Examination) -> Iterator[str]:
    for place, one in enumerate(found.stop, 1):
        yield f"  {place}. {one.what}: {one.how}"
