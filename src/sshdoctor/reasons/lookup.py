"""From a program's message to the entry that explains it: a pure function, and fast."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from heapq import merge
from pathlib import Path
from types import MappingProxyType

from msgspec import Struct

from sshdoctor.reasons.entry import Entry, List, load_lists
from sshdoctor.reasons.pattern import Match, Pattern
from sshdoctor.reasons.state import State

LONGEST = 4096
"""Messages are cut there: OpenSSH's own end at 1024 characters."""

_KEY = 6
_FRAMES = 3
_REPEATED = re.compile(r"message repeated \d{1,9} times: \[ (.*)\]")


class Reason(Struct, frozen=True, kw_only=True):
    """What a message means."""

    entry: Entry
    parts: Mapping[str, str]
    """What its named parts hold. A part that could be read in two ways, because of words that a
    stranger chose, is left out."""
    certain: bool
    """Whether the message can be read in one way only."""


class _Candidate(Struct, frozen=True):
    pattern: Pattern
    entry: Entry


class Reasons:
    """All lists, ready to be asked.

    Where several patterns match, the one with the longest literal beginning is meant, because nobody
    but the program writes before the first part; of equal ones that which ends in words of a
    stranger's, because they can imitate any other end; of these, the one with the most literal text.
    """

    def __init__(self, lists: Iterable[List]) -> None:
        self._lists: dict[str, list[List]] = {}
        self._states: dict[tuple[str, str], State] = {}
        for one in lists:
            self._states.update({(state.property, state.value): state for state in one.states})
            for identifier in one.identifiers:
                self._lists.setdefault(identifier, []).append(one)
        self._indexes: dict[str, _Index] = {}

    def classify(self, program: str, message: str) -> Reason | None:
        """What ``program`` (the name that it logs under) means by ``message``; None if no entry knows it."""
        index = self._index(program)
        return index.find(_clean(message)) if index else None

    def state(self, name: str, value: str) -> State | None:
        """What it means that the property ``name`` has this value; None if no list knows it."""
        return self._states.get((name, value))

    def _index(self, program: str) -> _Index | None:
        if program.startswith("("):  # a program that systemd is about to start, named in brackets
            program = "systemd"
        known = self._indexes.get(program)
        if known is None:
            lists = self._lists.get(program, []) + self._lists.get("*", [])
            if not lists:
                return None
            known = self._indexes[program] = _Index(lists)
        return known


class _Index:
    """The patterns that can be of one program, by the first letters of what they say."""

    def __init__(self, lists: list[List]) -> None:
        self._frames = sorted((f for one in lists for f in one.frames), key=lambda frame: -frame.weight)
        self._exact: dict[str, list[_Candidate]] = {}
        self._behind: dict[str, list[_Candidate]] = {}
        self._others: list[_Candidate] = []
        for one in lists:
            for entry in one.entries:
                for pattern in entry.says:
                    self._place(_Candidate(pattern, entry))
        for found in (*self._exact.values(), *self._behind.values(), self._others):
            found.sort(key=lambda candidate: _rank(candidate.pattern))

    def _place(self, candidate: _Candidate) -> None:
        pattern = candidate.pattern
        if len(pattern.prefix) >= _KEY:
            self._exact.setdefault(pattern.prefix[:_KEY], []).append(candidate)
        elif (second := pattern.second) and second.startswith(": ") and len(second) >= _KEY:
            self._behind.setdefault(second[:_KEY], []).append(candidate)
        else:
            self._others.append(candidate)

    def find(self, message: str, depth: int = 0) -> Reason | None:
        for frame in self._frames if depth < _FRAMES else ():
            match = frame.match(message)
            if match and "message" in match.parts:
                inner = self.find(match.parts["message"], depth + 1)
                if inner:
                    return _framed(inner, match)
        return self._inside(message)

    def _inside(self, message: str) -> Reason | None:
        for candidate in self._candidates(message):
            match = candidate.pattern.match(message)
            if match:
                return Reason(
                    entry=candidate.entry, parts=MappingProxyType(match.parts), certain=match.certain
                )
        return None

    def _candidates(self, message: str) -> Iterator[_Candidate]:
        yield from self._exact.get(message[:_KEY], ())
        colon = message.find(": ")
        behind = self._behind.get(message[colon : colon + _KEY], []) if colon > 0 else []
        yield from merge(behind, self._others, key=lambda candidate: _rank(candidate.pattern))


def _framed(inner: Reason, frame: Match) -> Reason:
    around = {name: value for name, value in frame.parts.items() if name != "message"}
    return Reason(
        entry=inner.entry,
        parts=MappingProxyType({**around, **inner.parts}),
        certain=inner.certain and frame.certain,
    )


def _rank(pattern: Pattern) -> tuple[int, bool, int]:
    return (-len(pattern.prefix), not pattern.open, -pattern.weight)


def _clean(message: str) -> str:
    message = message[:LONGEST].rstrip("\r\n")
    repeated = _REPEATED.fullmatch(message)
    return repeated[1] if repeated else message


@cache
def shipped_reasons() -> Reasons:
    """The lists that came with this program."""
    return Reasons(load_lists(Path(__file__).parent))


def classify(program: str, message: str) -> Reason | None:
    """What ``program`` means by ``message``, by the lists that came with this program.

    >>> reason = classify("sshd", "fatal: Missing privilege separation directory: /run/sshd")
    >>> reason.entry.cause, reason.parts["path"]
    ('privsep-dir-missing', '/run/sshd')
    """
    return shipped_reasons().classify(program, message)
