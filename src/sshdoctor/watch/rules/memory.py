"""What the rules remember of one target, what comes in, and what goes out. All times are seconds."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

State = Literal["unknown", "up", "suspected", "down"]
Kind = Literal["down", "back", "blind", "sees", "flapping"]

HERE = "here"
"""This machine, among those who look."""
LOST = ("lost", "unknown")
"""The words of a look that could not be made, or that says nothing of the target: never a vote."""


class Rules(Struct, frozen=True, kw_only=True):
    """What a person may set for a target; ``every`` in seconds."""

    every: float = 300.0
    witnesses: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    working: tuple[str, ...] = ("success", "banner", "ok")
    """The words of a look that saw it good."""


class Event(Struct, frozen=True):
    """One look (``who``: here or a witness), or something that happened (``@line``, ``@maintenance`` …)."""

    at: float
    who: str
    word: str = ""
    note: str = ""


class Vote(Struct, frozen=True):
    """What one of them saw in a round; ``lost`` where that does not count."""

    who: str
    word: str


class Round(Struct, frozen=True, kw_only=True):
    """All are being asked, since ``begun``; ``votes`` are those that have answered."""

    begun: float
    votes: tuple[Vote, ...] = ()
    resumed: bool = False
    """The monitor was started again meanwhile."""


class Memory(Struct, frozen=True, kw_only=True):
    """All that is remembered of one target. A new one knows nothing, and nobody was told anything."""

    state: State = "unknown"
    word: str = "unknown"
    since: float | None = None
    settled: State = "unknown"
    """The last state that was no suspicion."""
    wrong_since: float | None = None
    """The first bad look since it was last seen good."""
    known: bool = False
    """It has been up or down before."""
    looked: float | None = None
    """The last look of this machine, those of a round aside."""
    round: Round | None = None
    line_up: bool = True
    """This machine's own line: its gateway, the references."""
    maintenance: bool = False
    joined: tuple[str, ...] = ()
    """Who opted in after the start."""
    left: tuple[str, ...] = ()
    told: Literal["up", "down", "blind", "flapping"] = "up"
    """What was told last; "up" where nothing was told."""
    told_down: tuple[str, ...] = ()
    """Who was told that it is down, and not yet that it is back."""
    told_blind: tuple[str, ...] = ()
    told_since: float | None = None
    """When that began which they were told."""
    unseen: bool = False
    """It is unknown because nobody looked, not because a round came to nothing."""
    owes_sees: bool = False
    """Nobody looked for a while, which was not told when it happened."""
    changes: tuple[float, ...] = ()
    """When it changed, in the last hour."""
    steady: int = 0
    """So many looks in a row came to ``settled``."""


class Change(Struct, frozen=True, kw_only=True):
    """A new state; ``since`` is the first bad look where it is not up."""

    at: float
    state: State
    word: str
    since: float
    witnesses: tuple[Vote, ...] = ()
    note: str = ""


class Message(Struct, frozen=True, kw_only=True):
    """What people are to be told, about what happened ``at``; ``since`` is the first bad look."""

    at: float
    kind: Kind
    to: tuple[str, ...]
    state: State
    word: str
    since: float
    witnesses: tuple[Vote, ...] = ()
    note: str = ""


class Step(Struct, frozen=True):
    """What one event came to."""

    memory: Memory
    changes: tuple[Change, ...] = ()
    messages: tuple[Message, ...] = ()
