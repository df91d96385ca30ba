"""What programs say when they refuse: lists of their own messages, each with the cause that it names."""

from __future__ import annotations

from sshdoctor.reasons.entry import STAGES, Entry, ReasonsError, load_lists
from sshdoctor.reasons.lookup import Reason, Reasons, classify, shipped_reasons

__all__ = [
    "STAGES",
    "Entry",
    "Reason",
    "Reasons",
    "ReasonsError",
    "classify",
    "load_lists",
    "shipped_reasons",
]
