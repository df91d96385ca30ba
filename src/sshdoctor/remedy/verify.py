"""Whether a remedy has done what it was for: judged by what a client gets, and by a second diagnosis."""

from __future__ import annotations

from collections.abc import Sequence

from sshdoctor.model import HostReport
from sshdoctor.services import progress, works


def objection(before: HostReport, after: HostReport, mended: Sequence[str]) -> str:
    """Why the remedy is not proved; empty if it is.

    It is proved if every cause that it was to mend is gone, no address is worse than before, and either a
    client gets in, or comes further than before to what is found to stop it there, or is stopped by what was
    known and left alone.
    """
    still = [cause.id for cause in after.causes if cause.id in mended]
    if still:
        return f"{', '.join(dict.fromkeys(still))} is still there"
    words = _words(before), _words(after)
    for address, word in words[0].items():
        now = words[1].get(address, "silence")
        if not works(now) and progress(now) < progress(word):  # one login is enough: others only greet
            return f"{address or 'the client'} got {word} before, and gets {now} now"
    if any(works(word) for word in words[1].values()):
        return ""
    gets = ", ".join(dict.fromkeys(words[1].values()))
    stops = {cause.id for cause in after.causes if cause.role == "root"}
    if not stops:
        return f"a client gets {gets}, and why was not found"
    further = any(progress(words[1].get(address, "")) > progress(word) for address, word in words[0].items())
    if further or stops & {cause.id for cause in before.causes}:
        return ""
    return f"a client still gets {gets}"


def _words(report: HostReport) -> dict[str | None, str]:
    return {reply.address: reply.word for reply in report.outside}
