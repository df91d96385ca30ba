"""The page about writing a check names every fact that a check can ask for."""

from __future__ import annotations

import re
from pathlib import Path

from sshdoctor import facts

PAGE = Path(__file__).parents[2] / "docs" / "writing-a-check.md"


def test_every_fact_is_named() -> None:
    listed = re.search(r"Of the host: `([^`]+)`", PAGE.read_text(encoding="utf-8"))
    assert listed
    assert set(listed[1].split()) == set(facts.names())
