"""A line of JSON for each change of state, and for each message to a person."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from sshdoctor.watch.rules import Change, Memory, Message


def change_line(target: str, service: str, change: Change, cause: Mapping[str, Any] | None = None) -> str:
    """One of the contract's; times in seconds."""
    witnesses = [{"from": vote.who, "word": vote.word} for vote in change.witnesses]
    return _line(
        at=number(change.at),
        target=target,
        service=service,
        word=change.word,
        state=change.state,
        since=number(change.since),
        witnesses=witnesses,
        note=change.note,
        cause=cause,
    )


def message_line(target: str, service: str, message: Message, at: float, to: str) -> str:
    """``at``: when it was sent; ``of`` is when it happened."""
    return _line(
        at=number(at),
        told=message.kind,
        to=to,
        target=target,
        service=service,
        word=message.word,
        since=number(message.since),
        of=number(message.at),
    )


def number(seconds: float) -> float | int:
    """Whole seconds without a fraction."""
    return int(seconds) if seconds == int(seconds) else round(seconds, 3)


def shifted(memory: Memory, by: float) -> Memory:
    """The same after the clock was set: what was just now is still just now."""
    looked = None if memory.looked is None else memory.looked + by
    under_way = memory.round and replace(memory.round, begun=memory.round.begun + by)
    return replace(memory, looked=looked, round=under_way)


def _line(**fields: Any) -> str:
    return json.dumps(fields, ensure_ascii=False)
