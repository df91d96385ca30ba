"""A host asked for a few facts alone, with root's rights where a way in has them; nothing is diagnosed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from sshdoctor.diagnosis.inside import look_inside
from sshdoctor.diagnosis.outside import ProbeOptions, look_outside
from sshdoctor.diagnosis.setup import Wanted
from sshdoctor.inventory import complete
from sshdoctor.model import AccessUsed, Host

_ALWAYS = "identity"


class Asked(Struct, frozen=True, kw_only=True):
    """``host`` with what the person's own configuration adds; ``client``: this side's address as the host
    sees it; ``began`` and ``ended`` in seconds since 1970, by the clock of this side."""

    host: Host
    facts: Mapping[str, Any]
    client: str
    used: AccessUsed
    began: float
    ended: float


def ask_host(host: Host, facts: Sequence[str], probing: ProbeOptions) -> Asked:
    """What ``host`` says of the facts that are named, through the first way in that has root's rights."""
    completed, began = complete(host), time.time()
    seen = look_outside(completed, probing)
    inside = look_inside(
        completed, seen, Wanted(facts=(_ALWAYS, *facts), chosen=True), probing, to_repair=True
    )
    if inside.access is not None:
        inside.access.close()
    view = inside.views[0]
    return Asked(
        host=completed,
        facts=view.facts,
        client=view.client or "",
        used=inside.used,
        began=began,
        ended=time.time(),
    )
