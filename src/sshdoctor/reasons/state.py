"""States that a program reports instead of writing a message, each with its cause: systemd's, PAM's codes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from sshdoctor.documents.reader import Block


class State(Struct, frozen=True, kw_only=True):
    """One value of a property, such as ``LoadState`` ``masked``, and what it means."""

    program: str
    property: str
    """As ``systemctl show`` has it; where kinds of units differ, with the kind first (``socket.Result``)."""
    value: str
    means: str
    """What the value stands for, where its own name does not say it; else empty."""
    cause: str | None
    no_cause: str | None
    """Why it decides none, and what does."""
    among: tuple[str, ...]
    """The causes that it leaves open."""
    source: str


class _Written(Struct, forbid_unknown_fields=True, kw_only=True):
    property: str
    value: str | list[str]
    source: str
    means: str = ""
    cause: str | None = None
    no_cause: str | None = None
    among: list[str] = []


def states(items: Sequence[object], program: str, path: Path, faults: list[str]) -> Iterator[State]:
    """The states of one list; what is wrong goes to ``faults``, as ``file:line: what``."""
    seen: set[tuple[str, str]] = set()
    for item in items:
        line = item.line if isinstance(item, Block) else 1
        try:
            written = msgspec.convert(item, _Written)
        except msgspec.ValidationError as error:
            faults.append(f"{path}:{line}: {error}")
            continue
        if bool(written.cause) == bool(written.no_cause):
            what = "a state has either a cause or, with no_cause, the reason why it has none"
            faults.append(f"{path}:{line}: {what}")
        for value in [written.value] if isinstance(written.value, str) else written.value:
            if (written.property, value) in seen:
                faults.append(f"{path}:{line}: {written.property} {value} stands twice")
            seen.add((written.property, value))
            yield _state(written, program, value)


def _state(written: _Written, program: str, value: str) -> State:
    return State(
        program=program,
        property=written.property,
        value=value,
        means=written.means,
        cause=written.cause,
        no_cause=written.no_cause,
        among=tuple(written.among),
        source=written.source,
    )
