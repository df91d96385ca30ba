"""The words of a field of access.conf(5), as pam_access reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence


def words(text: str) -> list[str]:
    """Those of one field."""
    return [word for word in re.split(r"[,\s]+", text) if word]


def listed(named: Sequence[str], fits: Callable[[str], bool | None]) -> bool | None:
    """Whether a list such as ``ALL EXCEPT root`` means it; None where that is not known."""
    index = next((at for at, word in enumerate(named) if word.upper() == "EXCEPT"), len(named))
    said = [fits(word) for word in named[:index]]
    meant = True if True in said else None if None in said else False
    but = listed(named[index + 1 :], fits) if index < len(named) else False
    if meant is False or but is True:
        return False
    return None if meant is None or but is None else True


def names_user(word: str, user: str, groups: Sequence[str], brackets: bool) -> bool | None:
    """Whether a word means the user; ``brackets``: only a name in brackets is a group's."""
    if word.upper() == "ALL" or word == user:
        return True
    if "@" in word:
        return None
    if word.startswith("("):
        return word.strip("()") in groups
    return word in groups and not brackets
