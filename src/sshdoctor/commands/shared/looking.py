"""One look at a host: one probe, in one round trip, through the first way in that sees all."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from sshdoctor.diagnosis.inside import Inside, look_inside
from sshdoctor.diagnosis.outside import ProbeOptions, look_outside
from sshdoctor.diagnosis.setup import Wanted
from sshdoctor.examination import FACTS, examine
from sshdoctor.examination.findings import Examination
from sshdoctor.inventory import complete
from sshdoctor.model import AccessUsed, Host

_SECONDS = 25
"""For each part of the look: a host is examined for its load, and the look gives way to all else."""


class Looked(Struct, frozen=True, kw_only=True):
    """What was found on one host, and by which way in."""

    host: str
    used: AccessUsed
    found: Examination


def look(host: Host, probing: ProbeOptions, facts: Sequence[str] = FACTS) -> tuple[Inside, Examination]:
    """What was found; the way in is left open, and is the caller's to close."""
    completed = complete(host)
    outside = look_outside(completed, probing)
    wanted = Wanted(facts=tuple(facts), given={"seconds": str(_SECONDS)}, chosen=True)
    inside = look_inside(completed, outside, wanted, probing, to_repair=True)
    return inside, examine(inside.views[0].facts)
