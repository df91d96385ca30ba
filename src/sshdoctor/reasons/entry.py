"""The lists of reasons: YAML files in, entries out; every fault of a file is told at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from sshdoctor.documents.reader import Block, parse_yaml
from sshdoctor.documents.shipped import read_document
from sshdoctor.errors import DocumentError, InputError
from sshdoctor.reasons.pattern import Pattern, PatternError, parse_pattern
from sshdoctor.reasons.state import State, states

STAGES = ("start", "admission", "handshake", "authentication", "account", "session", "end")
"""How far a connection has come when a message is written; ``start`` is the program's own."""

CLIENT_STAGES = ("config", "resolve", "connect", "proxy")
"""What a client does before the handshake: read its settings, look up the name, dial, by a proxy."""


class ReasonsError(InputError):
    """A list that cannot be read; the message has every fault, as ``file:line: what``."""


class Entry(Struct, frozen=True, kw_only=True):
    """One thing that a program says, in each of its wordings, and what it means."""

    program: str
    says: tuple[Pattern, ...]
    stage: str
    cause: str | None
    """The id of the cause that the message names; None where it decides none."""
    no_cause: str | None
    """Why it decides none, and what does."""
    among: tuple[str, ...]
    """The causes that a message without one leaves open."""
    ends: bool
    """Whether the program refuses or ends something with it; else it only goes along with something."""
    shows: tuple[str, ...]
    """The parts that a sentence about it shows."""
    example: str
    source: str
    recorded: bool
    """Whether the example was recorded on a real host."""


class List(Struct, frozen=True, kw_only=True):
    """One program's list: the names that it logs under, what it puts around a message, and the entries."""

    program: str
    identifiers: frozenset[str]
    """The names under which it logs; ``*`` stands for every program (a library such as Linux-PAM)."""
    frames: tuple[Pattern, ...]
    entries: tuple[Entry, ...]
    states: tuple[State, ...] = ()


class _Written(Struct, forbid_unknown_fields=True, kw_only=True):
    """An entry as it is written."""

    says: str | list[str]
    stage: str
    example: str
    source: str
    cause: str | None = None
    no_cause: str | None = None
    among: list[str] = []
    ends: bool = True
    shows: list[str] = []
    recorded: bool = False


class _WrittenList(Struct, forbid_unknown_fields=True, kw_only=True):
    program: str
    identifiers: list[str]
    reasons: list[Any]
    frames: list[str] = []
    states: list[Any] = []


def load_lists(folder: Path) -> tuple[List, ...]:
    """Every list in ``folder``. Raises ReasonsError with every fault of every file."""
    return load_files(sorted(folder.glob("*.yml")))


def identifiers(path: Path) -> frozenset[str]:
    """The names under which the program of one list logs, read from its head alone."""
    head = path.read_text(encoding="utf-8").partition("\nreasons:")[0].partition("\nstates:")[0]
    return frozenset(parse_yaml(head, str(path))["identifiers"])


def load_files(paths: Iterable[Path], *, held: bool = False) -> tuple[List, ...]:
    """The lists of some files. Raises ReasonsError with every fault of every file.

    ``held``: the tests hold that they have none, so that only what is needed of them is looked at.
    """
    faults: list[str] = []
    lists = [made for path in paths if (made := _list(path, faults, held))]
    if faults:
        raise ReasonsError("\n".join(faults))
    return tuple(lists)


def _list(path: Path, faults: list[str], held: bool) -> List | None:
    try:
        block = read_document(path)
        written = msgspec.convert(block, _WrittenList)
        frames = tuple(parse_pattern(frame) for frame in written.frames)
    except DocumentError as error:
        faults.extend(str(error).splitlines())
        return None
    except (msgspec.ValidationError, PatternError) as error:
        faults.append(f"{path}:1: {error}")
        return None
    around = frozenset(name for frame in frames for name in frame.names)
    entries = (
        _entry(item, written.program, path, None if held else around, faults) for item in written.reasons
    )
    return List(
        program=written.program,
        identifiers=frozenset(written.identifiers),
        frames=frames,
        entries=tuple(entry for entry in entries if entry),
        states=tuple(states(written.states, written.program, path, faults)),
    )


def _entry(
    item: object, program: str, path: Path, around: frozenset[str] | None, faults: list[str]
) -> Entry | None:
    """``around`` are the parts of what stands around a message; None if the entry was held against them."""
    line = item.line if isinstance(item, Block) else 1
    try:
        written = msgspec.convert(item, _Written)
        says = [written.says] if isinstance(written.says, str) else written.says
        patterns = tuple(map(Pattern if around is None else parse_pattern, says))
    except (msgspec.ValidationError, PatternError) as error:
        faults.append(f"{path}:{line}: {error}")
        return None
    found = () if around is None else _wrong(written, patterns, around)
    wrong = [f"{path}:{line}: {what}" for what in found]
    faults.extend(wrong)
    if wrong:
        return None
    return Entry(
        program=program,
        says=patterns,
        stage=written.stage,
        cause=written.cause,
        no_cause=written.no_cause,
        among=tuple(written.among),
        ends=written.ends,
        shows=tuple(written.shows),
        example=written.example,
        source=written.source,
        recorded=written.recorded,
    )


def _wrong(written: _Written, patterns: tuple[Pattern, ...], around: frozenset[str]) -> Iterator[str]:
    if not patterns:
        yield "says is empty"
    if written.stage not in (*CLIENT_STAGES, *STAGES):
        yield f"{written.stage!r} is no stage: {', '.join((*CLIENT_STAGES, *STAGES))}"
    if bool(written.cause) == bool(written.no_cause):
        yield "an entry has either a cause or, with no_cause, the reason why it has none"
    if written.cause and written.among:
        yield "among belongs to an entry without a cause"
    known = around.union(*(pattern.names for pattern in patterns))
    for name in written.shows:
        if name not in known:
            yield f"shows: there is no part {name!r} in what it says"
