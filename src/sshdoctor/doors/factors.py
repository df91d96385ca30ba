"""The factors by which somebody gets in, what they allow to type, and the smallest sets of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct

Factor = Literal["key", "cert", "password", "code", "passcode", "security-key"]
Sets = frozenset[frozenset[str]]
"""Sets of factors, each of which gets in; without any, nobody does."""

NOBODY: Sets = frozenset()
ANYBODY: Sets = frozenset({frozenset()})


class Typed(Struct, frozen=True):
    """What is typed at a prompt: a password (the right one, another, none), and perhaps a code after it."""

    word: Literal["right", "wrong", "none"] = "none"
    code: bool = False


PASSWORD, CODE, PASSCODE = Typed("right"), Typed("none", code=True), Typed("right", code=True)
WRONG, WRONG_AND_CODE, EMPTY = Typed("wrong"), Typed("wrong", code=True), Typed()

TAKES: Mapping[Typed, frozenset[str]] = {
    WRONG: frozenset(),
    PASSWORD: frozenset({"password"}),
    CODE: frozenset({"code"}),
    WRONG_AND_CODE: frozenset({"code"}),
    PASSCODE: frozenset({"passcode"}),
}
"""Everything that somebody could type, with the factors that this takes."""
AT_A_PASSWORD_PROMPT = (WRONG, PASSWORD, PASSCODE)
"""What is typed where a client itself asks for the password."""

_HOLDS = {"passcode": frozenset({"passcode", "password", "code"})}


def smallest(sets: Iterable[frozenset[str]]) -> Sets:
    """Those of which no other is a part.

    >>> sorted(map(sorted, smallest(map(frozenset, (["key"], ["key", "code"], ["password", "code"])))))
    [['code', 'password'], ['key']]
    """
    every = frozenset(sets)
    return frozenset(one for one in every if not any(other < one for other in every))


def least(sets: Iterable[frozenset[str]]) -> Sets:
    """Those of a whole door: who types a passcode has its password and its code, so one of these alone is
    less. Of a part of a door that may not be said: its passcode may be asked for again behind it.

    >>> sorted(map(sorted, least(map(frozenset, (["code"], ["passcode"], ["key", "passcode"])))))
    [['code']]
    """
    every = smallest(sets)
    held = {one: frozenset().union(*(_HOLDS.get(each, {each}) for each in one)) for one in every}
    return frozenset(one for one in every if not any(other != one and other <= held[one] for other in every))


def both(one: Sets, other: Sets) -> Sets:
    """The sets that pass one door after another."""
    return smallest(first | second for first in one for second in other)


def listed(sets: Sets) -> list[list[str]]:
    """As a report has them: in order."""
    return sorted(sorted(one) for one in sets)
