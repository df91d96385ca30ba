"""For how long something is opened is said in words that can be read in one way."""

from __future__ import annotations

import pytest

from sshdoctor.commands.shared.changes import ChangeOptions, choice_of
from sshdoctor.errors import UsageError


def hold_of(text: str) -> int:
    wish = ChangeOptions(check=False, diff=False, yes=True, guard="60", source="", hold=text)
    return choice_of(wish).hold


@pytest.mark.parametrize(
    ("text", "seconds"), [("", 0), ("90s", 90), ("15m", 900), ("2h", 7200), ("1d", 86400)]
)
def test_a_time_is_read(text: str, seconds: int) -> None:
    assert hold_of(text) == seconds


@pytest.mark.parametrize("text", ["soon", "15", "9s", "8d", "-15m", "1.5h", "m"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="such as 15m or 2h"):
        hold_of(text)
