"""The lists of reasons that come with the program, read once for all tests of them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sshdoctor.reasons import load_lists
from sshdoctor.reasons.entry import List

FOLDER = Path(__file__).parents[2] / "src" / "sshdoctor" / "reasons"


@cache
def shipped_lists() -> tuple[List, ...]:
    return load_lists(FOLDER)
