"""What programs say when they refuse: lists of their own messages, each with the cause that it names."""

from __future__ import annotations

from sshdoctor.reasons.entry import CLIENT_STAGES, STAGES, Entry, ReasonsError, load_lists
from sshdoctor.reasons.lookup import Reason, Reasons, classify, shipped_reasons, states_of
from sshdoctor.reasons.state import State

__all__ = [
    "CLIENT_STAGES",
    "STAGES",
    "Entry",
    "Reason",
    "Reasons",
    "ReasonsError",
    "State",
    "classify",
    "load_lists",
    "shipped_reasons",
    "states_of",
]
