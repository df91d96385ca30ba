"""The way in: the line of a log by which somebody got in, or the first use where no log reaches back to it.

The owner's own login is none: only one that belongs to a culprit is named.
"""

from __future__ import annotations

from collections.abc import Sequence

from sshdoctor.examination.findings import Culprit, Heap, Line, Way
from sshdoctor.examination.known import Known
from sshdoctor.examination.origin import at_the_second, login_before, served_file
from sshdoctor.facts.frozen.entries import Entry
from sshdoctor.facts.frozen.requests import Request


def way_in(
    known: Known, culprits: Sequence[Culprit], persistence: Sequence[Line], heaps: Sequence[Heap]
) -> Way | None:
    """None where this host does not tell."""
    guilty = [heap for heap in heaps if heap.guilty]
    return (
        _by_login(known, culprits)
        or _by_session(known, culprits)
        or _by_upload(known, persistence, guilty)
        or _by_site(known, culprits, persistence, guilty)
        or _by_mailbox(known, guilty)
    )


def _by_login(known: Known, culprits: Sequence[Culprit]) -> Way | None:
    for culprit in culprits:
        if culprit.origin.started_by != "login" or culprit.origin.lines:
            continue  # what starts at every login is no way in
        accepted = login_before(culprit.process, culprit.user, known)
        if accepted:
            return Way(accepted.log, accepted.line, first_use=False)
    return None


def _by_session(known: Known, culprits: Sequence[Culprit]) -> Way | None:
    found = planted_in(known, culprits)
    return Way(found.log, found.line, first_use=False) if found else None


def planted_in(known: Known, culprits: Sequence[Culprit]) -> Entry | None:
    """The login in whose session all programs of culprits were put there: its address alone was logged in
    when they last changed, by the file system's own time."""
    when = [
        file.changed
        for one in culprits
        if one.origin.started_by != "web request" and (file := known.files.get(one.program))
    ]
    holding = [[one for one in known.entries.entries if _holds(one, at)] for at in when]
    addresses = {one.address for logins in holding for one in logins}
    return holding[0][0] if len(addresses) == 1 and all(holding) else None


def _by_upload(known: Known, persistence: Sequence[Line], heaps: Sequence[Heap]) -> Way | None:
    """What FTP's log tells of the guilty files of sites: its names may begin at the home of who logged in."""
    files = {line.file for line in persistence} | {heap.name for heap in heaps}
    files &= {*known.sites.files}
    for one in known.entries.entries:
        if one.kind == "upload" and any(
            file == one.path or (file.endswith(one.path) and file.startswith(f"{known.home(one.user)}/"))
            for file in files
        ):
            return Way(one.log, one.line, first_use=False)
    return None


def _holds(login: Entry, at: float) -> bool:
    return login.kind == "accepted" and login.ended is not None and login.at < at < login.ended


def _by_site(
    known: Known, culprits: Sequence[Culprit], persistence: Sequence[Line], heaps: Sequence[Heap]
) -> Way | None:
    files = {line.file for line in persistence} | {heap.name for heap in heaps}
    begun = [one for one in culprits if one.origin.started_by == "web request"]
    files |= {one.origin.file for one in begun}
    files &= set(known.sites.files)
    asked = [one for one in known.requests if served_file(one.path, known) in files and one.status < 400]
    if not asked:
        near = [one for culprit in begun for one in at_the_second(culprit.process.since, known)]
        asked = [one for one in near if one.method == "POST"]
    if not asked:
        return None
    first = next((one for one in asked if one.method == "POST"), asked[0])
    sent = _before(first, known, files)
    if sent is not None:
        return Way(sent.log, sent.line, first_use=False)
    return Way(first.log, first.line, first_use=True)


def _before(first: Request, known: Known, files: set[str]) -> Request | None:
    """What the same address sent to another page before it called the file for the first time."""
    earlier = [
        one
        for one in known.requests
        if one.address == first.address
        and one.at <= first.at
        and one.method in ("POST", "PUT")
        and one.status < 400
        and served_file(one.path, known) not in files
    ]
    return earlier[-1] if earlier else None


def _by_mailbox(known: Known, heaps: Sequence[Heap]) -> Way | None:
    for heap in heaps:
        for one in known.letters.logins:
            if heap.by == "login" and one.login == heap.name and one.client == heap.client:
                return Way(one.log, one.line, first_use=True)
    return None
