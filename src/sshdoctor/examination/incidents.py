"""When what happened: what runs now, and what ended earlier, kept apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sshdoctor.examination.findings import Heap, Incident
from sshdoctor.examination.known import Known
from sshdoctor.examination.mail import MASSES

_DAY = 86400.0


def incidents(known: Known, heaps: Sequence[Heap]) -> Iterator[Incident]:
    """Masses by a login that ended more than a day ago, then those of now."""
    for one in known.letters.logins:
        if one.count >= MASSES and one.last < known.now - _DAY:
            changed = any(
                entry.kind == "changed"
                and entry.user == one.login.partition("@")[0]
                and entry.at >= one.first
                for entry in known.entries.entries
            )
            more = "; its password was changed since" if changed else ""
            yield Incident(
                what=f"{one.count} letters by login {one.login} from {one.client}{more}",
                first=one.first,
                last=one.last,
                log=one.log,
                ended=True,
            )
    for heap in heaps:
        if heap.guilty:
            times = [
                one.at for one in (*known.letters.waiting, *known.letters.logged) if one.at > known.now - _DAY
            ]
            yield Incident(
                what=f"{heap.count} letters by {heap.name}",
                first=min(times, default=known.now),
                last=max(times, default=known.now),
                log="the mail server's queue and log",
                ended=False,
            )
