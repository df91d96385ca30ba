"""What is said of an opening for a while, before it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sshdoctor.remedy.plan import Step


def nothing_to_open(steps: Sequence[Step], known: Mapping[str, Any]) -> str:
    """Why what is asked to be opened cannot be; "" if it can, or nothing is."""
    if any(step.playbook.remedy.for_a_while for step in steps) and "opening_refused" in known:
        return f"It cannot be opened for one path and one address: {known['opening_refused']}."
    return ""


def about_time(step: Step) -> str:
    """Why --for and this playbook do not go together."""
    if step.playbook.remedy.for_a_while:
        return f"{step.playbook.id} opens something: say for how long, with --for 15m."
    return f"{step.playbook.id} opens nothing that could close itself: leave --for out."


def opened(known: Mapping[str, Any], hold: int) -> str:
    """What is forecast of an opening of ``hold`` seconds."""
    whom = known.get("opening_for", "nobody")
    return f"the rules' model lets in {whom}, and changes nothing for any other; closed again after {hold} s"
