"""From a program's message to the entry that explains it: a pure function, and fast."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from msgspec import Struct

from sshdoctor.reasons.entry import Entry, List, identifiers, load_files, load_lists
from sshdoctor.reasons.pattern import Match, Pattern
from sshdoctor.reasons.state import State

LONGEST = 4096
"""Messages are cut there: servers' own end at 1024 characters."""

_FOLDER = Path(__file__).parent
_FRAMES = 3
_WHO = frozenset({"address", "port", "user"})
_REPEATED = re.compile(r"message repeated \d{1,9} times: \[ (.*)\]")


class Reason(Struct, frozen=True, kw_only=True):
    """What a message means."""

    entry: Entry
    parts: Mapping[str, str]
    """What its named parts hold. A part that could be read in two ways, because of words that a
    stranger chose, is left out."""
    certain: bool
    """Whether the message can be read in one way only; if not, somebody wants to deceive."""

    @property
    def cause(self) -> str | None:
        """The id of the cause that the message names; none where it can be read in two ways."""
        return self.entry.cause if self.certain else None


class _Candidate(Struct, frozen=True):
    pattern: Pattern
    entry: Entry
    needle: str
    """The longest literal text of the pattern: to look for it first is quick."""


class Reasons:
    """All lists, ready to be asked.

    Where several patterns match, the one with the longest literal beginning is meant, because nobody
    but the program writes before the first part; of equal ones that which ends in words of a
    stranger's, because they can imitate any other end; of these, the one with the most literal text.
    Where two patterns see different users or addresses, none is told.
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
        index = self._index(_meant(program))
        return index.find(_clean(message)) if index else None

    def state(self, name: str, value: str) -> State | None:
        """What it means that the property ``name`` has this value; None if no list knows it."""
        return self._states.get((name, value))

    @property
    def states(self) -> tuple[State, ...]:
        """Every value of a property that a list knows."""
        return tuple(self._states.values())

    def _index(self, program: str) -> _Index | None:
        program = program if program in self._lists else "*"
        known = self._indexes.get(program)
        if known is None:
            lists = [*self._lists.get(program, ()), *self._lists.get("*" if program != "*" else "", ())]
            if not lists:
                return None
            known = self._indexes[program] = _Index(lists)
        return known


class _Index:
    """The patterns that can be of one program, by the literal text that they begin with."""

    def __init__(self, lists: list[List]) -> None:
        self._frames = sorted((f for one in lists for f in one.frames), key=lambda frame: -frame.weight)
        self._by_prefix: dict[str, list[tuple[Pattern, Entry]]] = {}
        self._ready: dict[str, list[_Candidate]] = {}
        for one in lists:
            for entry in one.entries:
                for pattern in entry.says:
                    self._by_prefix.setdefault(pattern.prefix, []).append((pattern, entry))
        self._lengths = sorted({len(prefix) for prefix in self._by_prefix}, reverse=True)

    def find(self, message: str, depth: int = 0) -> Reason | None:
        for frame in self._frames if depth < _FRAMES else ():
            match = frame.match(message)
            if match and "message" in match.parts:
                inner = self.find(match.parts["message"], depth + 1)
                if inner:
                    return _framed(inner, match)
        return self._inside(message)

    def _inside(self, message: str) -> Reason | None:
        found = [(c, m) for c in self._candidates(message) if (m := c.pattern.match(message))]
        if not found:
            return None
        (meant, match), *others = found
        parts = {n: v for n, v in match.parts.items() if not any(_differs(n, v, *other) for other in others)}
        certain = match.certain and len(parts) == len(match.parts)
        return Reason(entry=meant.entry, parts=MappingProxyType(parts), certain=certain)

    def _candidates(self, message: str) -> Iterator[_Candidate]:
        for length in self._lengths:
            if length <= len(message):
                for candidate in self._beginning_with(message[:length]):
                    if candidate.needle in message:
                        yield candidate

    def _beginning_with(self, prefix: str) -> list[_Candidate]:
        """Those with this prefix, the one that is meant first; made ready when they are asked for."""
        if prefix not in self._by_prefix:
            return []
        if prefix not in self._ready:
            found = [_candidate(*one) for one in self._by_prefix[prefix]]
            self._ready[prefix] = sorted(found, key=lambda candidate: _rank(candidate.pattern))
        return self._ready[prefix]


def _candidate(pattern: Pattern, entry: Entry) -> _Candidate:
    return _Candidate(pattern, entry, max((part.text for part in pattern.parts), key=len))


def _differs(name: str, value: str, other: _Candidate, match: Match) -> bool:
    """Whether another pattern that matches too sees somebody else, or could."""
    if name not in _WHO:
        return False
    if name in match.parts:
        return match.parts[name] != value
    return not match.certain and name in other.pattern.names


def _framed(inner: Reason, frame: Match) -> Reason:
    around = {name: value for name, value in frame.parts.items() if name != "message"}
    return Reason(
        entry=inner.entry,
        parts=MappingProxyType({**around, **inner.parts}),
        certain=inner.certain and frame.certain,
    )


def _rank(pattern: Pattern) -> tuple[bool, int]:
    """Among patterns of one beginning: those first that end in a stranger's words, then by literal text."""
    return (not pattern.open, -pattern.weight)


def _clean(message: str) -> str:
    message = message[:LONGEST].rstrip("\r\n")
    repeated = _REPEATED.fullmatch(message)
    return repeated[1] if repeated else message


def _meant(program: str) -> str:
    """The program: systemd names one that it is about to start in brackets."""
    return "systemd" if program.startswith("(") else program


@cache
def shipped_reasons() -> Reasons:
    """All lists that came with this program."""
    return Reasons(load_lists(_FOLDER))


@cache
def _shipped_identifiers() -> Mapping[Path, frozenset[str]]:
    return {path: identifiers(path) for path in sorted(_FOLDER.glob("*.yml"))}


@cache
def _shipped_list(file: Path) -> tuple[List, ...]:
    return load_files((file,), held=True)


@cache
def _shipped_reasons_of(files: tuple[Path, ...]) -> Reasons:
    return Reasons(one for file in files for one in _shipped_list(file))


def states_of(program: str) -> tuple[State, ...]:
    """The states that ``program`` reports, by the lists that came with this program."""
    files = tuple(path for path, known in _shipped_identifiers().items() if program in known)
    return _shipped_reasons_of(files).states


def classify(program: str, message: str) -> Reason | None:
    """What ``program`` means by ``message``, by the lists that came with this program.

    >>> reason = classify("sshd", "fatal: Missing privilege separation directory: /run/sshd")
    >>> reason.entry.cause, reason.parts["path"]
    ('privsep-dir-missing', '/run/sshd')
    """
    names = {_meant(program), "*"}
    files = tuple(path for path, known in _shipped_identifiers().items() if not names.isdisjoint(known))
    return _shipped_reasons_of(files).classify(program, message)
