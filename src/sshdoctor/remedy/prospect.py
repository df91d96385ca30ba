"""What a client must meet after a plan, said before anything is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from sshdoctor.diagnosis.derived.path import Path, path
from sshdoctor.model import Cause, Unknown
from sshdoctor.remedy.others import differing, let_in, verdicts
from sshdoctor.services import load
from sshdoctor.unblock import forecast
from sshdoctor.unblock.forecast import after
from sshdoctor.unblock.opening import Opening
from sshdoctor.unblock.opening_variables import items

STOPPED_BY_RULES = ("firewall-rejects", "firewall-drops", "firewall-rate-limits", "client-banned")


class Prospect(Struct, frozen=True):
    """The changes to the firewall that let the client in at every address, and what it meets after them.

    ``objection`` is why the plan would not let the client in, or empty.
    """

    openings: tuple[Opening, ...]
    unbans: tuple[Mapping[str, object], ...]
    text: str
    objection: str
    also: tuple[str, ...] = ()
    """Who else gets in then, in words; empty: nobody."""
    others: tuple[str, ...] | None = ()
    """What else is another then, as others.differing says it; None if that cannot be said."""

    def variables(self) -> dict[str, Any]:
        """For the playbooks ``open-firewall`` and ``unban-client``."""
        openings = [item for opening in self.openings for item in items(opening)]
        return {"openings": openings, "unbans": [dict(unban) for unban in self.unbans]}


def prospect(
    facts: Sequence[Mapping[str, Any]], causes: Sequence[Cause], left: Sequence[Cause], *, source: str
) -> Prospect:
    """By the firewall model over the rules as they will be, and by the causes that nothing mends (``left``).

    ``source``: whom to open for, as forecast.plan takes it.
    """
    wanted = any(cause.id in STOPPED_BY_RULES for cause in causes)
    plans = [_planned(face, source) for face in facts] if wanted else []
    changes = dict.fromkeys(change for _, plan in plans if plan for change in plan.changes)
    was = [verdicts(face, face["firewall"]) for face in facts] if changes else []
    then = [verdicts(face, after(face["firewall"], changes)) for face in facts] if changes else []
    also = dict.fromkeys(who for each in map(let_in, was, then) for who in each)
    others = dict.fromkeys(one for each in map(differing, was, then) for one in each)
    shut = [words for words, plan in plans if plan and not plan.lets_in]
    stopping = [cause for cause in left if cause.role != "latent"]
    said = list(dict.fromkeys(words for words, _ in plans))
    if changes:
        said.append(f"also lets in: {', '.join(also) or 'nobody'}")
    if not stopping and not shut:
        said.append(f"{load(facts[0]['dialled'].service).server} answers there.")
    return Prospect(
        openings=tuple(change for change in changes if isinstance(change, Opening)),
        unbans=tuple(change.variables() for change in changes if not isinstance(change, Opening)),
        text="; ".join(said),
        also=tuple(also),
        others=tuple(others),
        objection=shut[0] if shut else f"{stopping[0].id} would stop the client" if stopping else "",
    )


def _planned(face: Mapping[str, Any], source: str) -> tuple[str, forecast.Forecast | None]:
    """What the packet to one address meets afterwards, in words, and the changes that this takes."""
    dial, client, firewall = face["dialled"], face["client_address"], face["firewall"]
    now = face["path"]
    if isinstance(now, Unknown) or isinstance(firewall, Unknown) or client is None:
        reason = now.reason if isinstance(now, Unknown) else "the client's address is not known"
        return f"what {dial.address} does with the client cannot be predicted ({reason})", None
    judged = partial(path, dial, client, addresses=face["addresses"], bans=face["bans"])
    plan = forecast.plan(judged, client, firewall, opened_to=source)
    then = plan.afterwards
    if isinstance(then, Unknown):
        return f"what {dial.address} then does cannot be predicted ({then.reason})", plan
    assert isinstance(then, Path)  # noqa: S101 -- or it is unknown
    if plan.lets_in:
        return f"the firewall of {dial.address} accepts {client} ({then.why})", plan
    return f"the firewall of {dial.address} still stops {client} ({then.why})", plan
