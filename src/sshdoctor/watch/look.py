"""One look at a service from here: what every address answered, and the one word that it comes to."""

from __future__ import annotations

import time
from collections.abc import Sequence

from msgspec import Struct

from sshdoctor.model import Host, Reply
from sshdoctor.outside import dial
from sshdoctor.outside.site import ask
from sshdoctor.services import Service, load
from sshdoctor.watch.rules.memory import LOST

LIMIT, SLOW = 20.0, 10.0
"""Seconds for all of a look; a later answer than the second is noted as slow (half of a short limit)."""


class Look(Struct, frozen=True, kw_only=True):
    """``word``: a reply word, or "unknown" where nothing could be told. ``seconds``: how long it took."""

    word: str
    note: str = ""
    seconds: float = 0.0
    replies: tuple[Reply, ...] = ()

    @property
    def lost(self) -> bool:
        return self.word in LOST


def look_at(host: Host, limit: float = LIMIT) -> Look:
    """Dial ``host`` from outside, within ``limit`` seconds, or a site's own; nothing is logged in to."""
    began = time.monotonic()
    limit = host.site.limit if host.site else limit
    service = load(host.service)
    replies = _replies(host, service, began + limit, limit)
    return judged(replies, service, time.monotonic() - began, min(SLOW, limit / 2))


def _replies(host: Host, service: Service, deadline: float, limit: float) -> tuple[Reply, ...]:
    if host.site is not None:
        return ask(host.login, host.site, service.visit, limit / 2, deadline)
    # The name, the connect and the greeting have a third of the time each.
    met = dial(host.login, service, limit / 3)
    for one in met:
        if one.socket is not None:
            one.socket.close()
    return tuple(one.reply for one in met)


def judged(replies: Sequence[Reply], service: Service, seconds: float, slow: float = SLOW) -> Look:
    """The word of all replies: good where one is, and then a note says which are not.

    >>> judged([], load("web"), 0.1).word
    'unknown'
    """
    good = [one for one in replies if one.word in service.working]
    lost = [one for one in replies if one.lost or one.word in LOST]
    bad = [one for one in replies if one not in good and one not in lost]
    notes = [_said(one) for one in (*bad, *lost)] if good else []
    if good:
        first = good[0]
        notes += [first.detail] if first.detail and "Location" in first.detail else []
        notes += [f"slow: answered after {seconds:.1f} s"] if seconds > slow else []
        return Look(word=first.word, note="; ".join(notes), seconds=seconds, replies=tuple(replies))
    if bad:
        note = "; ".join(_said(one) for one in replies)
        return Look(word=bad[0].word, note=note, seconds=seconds, replies=tuple(replies))
    why = "; ".join(_said(one) for one in lost) or "it cannot be dialled from here"
    return Look(word="unknown", note=why, seconds=seconds, replies=tuple(replies))


def _said(reply: Reply) -> str:
    what = f"{reply.word} ({reply.detail})" if reply.detail else reply.word
    return f"{reply.family or 'name'}: {what}"
