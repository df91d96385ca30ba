"""A host asked for a few facts alone, with root's rights where a way in has them; nothing is diagnosed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from sshdoctor.access.base import Access
from sshdoctor.diagnosis.inside import PROBE_ANSWERS, look_inside
from sshdoctor.diagnosis.outside import ProbeOptions, look_outside
from sshdoctor.diagnosis.setup import Wanted
from sshdoctor.facts import asked_once, commands, parse_all
from sshdoctor.facts.probe import build_script, split_output, stop_script
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


def ask_through(
    access: Access, host: Host, facts: Sequence[str], client: str, probing: ProbeOptions
) -> Asked:
    """The same, of a ``host`` that is complete, through a way in that is open. Raises AccessError."""
    names, mark, login = (_ALWAYS, *facts), secrets.token_hex(16), host.login
    wanted = commands(names)
    given = {"client": client, "address": login.address, "port": str(login.port), "user": login.user or ""}
    script, began = build_script(wanted, given, mark, asked_once(names)), time.time()
    output = access.run(script, timeout=PROBE_ANSWERS * probing.timeout, stop=stop_script(mark))
    return Asked(
        host=host,
        facts=parse_all(names, split_output(output.stdout, mark, tuple(wanted))),
        client=client,
        used=AccessUsed(via=access.via, detail=access.detail),
        began=began,
        ended=time.time(),
    )
