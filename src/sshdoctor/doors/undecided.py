"""What is not known, and whether it matters: every way that it could be is tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

_MOST = 3
"""So many unknowns are tried together."""

_T = TypeVar("_T")


class Undecided(Exception):  # noqa: N818 -- it is an answer, not a fault
    """The answer hangs on what is not known. ``key`` names it; ``choices`` are what it may be."""

    def __init__(self, key: str, why: str, choices: tuple[str, ...] = ()) -> None:
        super().__init__(why)
        self.key, self.why, self.choices = key, why, choices


class Guesses:
    """What is assumed of that which is not known, by its key."""

    def __init__(self, known: Mapping[str, str] | None = None) -> None:
        self.known = dict(known or {})

    def ask(self, key: str, why: str, *choices: str) -> str:
        """What is assumed of ``key``. Raises Undecided where nothing is."""
        if key not in self.known:
            raise Undecided(key, why, choices)
        return self.known[key]


def settle(answer: Callable[[Guesses], _T], known: Mapping[str, str] | None = None) -> _T:
    """The answer, if it is the same whatever the unknowns are. Raises Undecided.

    >>> settle(lambda guesses: guesses.ask("x", "x is not known", "1", "2") in ("1", "2"))
    True
    """
    known = known or {}
    try:
        return answer(Guesses(known))
    except Undecided as unknown:
        if not unknown.choices or len(known) >= _MOST:
            raise
        found = [settle(answer, {**known, unknown.key: one}) for one in unknown.choices]
        if any(one != found[0] for one in found):
            raise Undecided(unknown.key, unknown.why) from None
        return found[0]
