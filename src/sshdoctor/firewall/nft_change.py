"""Statements of nft that leave a note for later rules: ``meta mark set``, ``ct mark set``, ``notrack``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sshdoctor.firewall.segment import Segment

Change = Callable[[Segment], Segment | None]
"""What the segment is afterwards; None where the rule ends here, without effect (NFT_BREAK)."""

_NO_CONNECTION = ("INVALID", "UNTRACKED")
_PACKET_MARK = {"meta": {"key": "mark"}}
_CONNECTION_MARK = {"ct": {"key": "mark"}}


def change_of(kind: str, value: Any) -> Change:
    """What ``mangle`` or ``notrack`` does; other fields than marks change nothing that is modelled."""
    if kind == "notrack":
        return _untrack
    key = value.get("key") if isinstance(value, dict) else None
    if key not in (_PACKET_MARK, _CONNECTION_MARK):
        return lambda segment: segment
    given = value.get("value")
    number = _mark_value(given)
    asks_connection = str(_CONNECTION_MARK) in str(given)

    def change(segment: Segment) -> Segment | None:
        if segment.state in _NO_CONNECTION and asks_connection:
            return None
        if key == _PACKET_MARK:
            return replace(segment, mark=number(segment))
        if segment.state in _NO_CONNECTION:
            return segment
        return replace(segment, connection=replace(segment.connection, mark=number(segment)))

    return change


def _untrack(segment: Segment) -> Segment:
    """A refusal that belongs to a connection keeps it (nft_notrack_eval)."""
    if segment.state == "RELATED":
        return segment
    return replace(segment, untracked=True, state="UNTRACKED")


def _mark_value(value: Any) -> Callable[[Segment], int | None]:
    """A number, the packet's or the connection's mark, or one of these with ``and``, ``or``, ``xor``."""
    if isinstance(value, int):
        return lambda segment: value
    if value == _PACKET_MARK:
        return lambda segment: segment.mark
    if value == _CONNECTION_MARK:
        return lambda segment: segment.connection.mark
    if isinstance(value, dict) and len(value) == 1:
        [(operator, operands)] = value.items()
        if operator in ("&", "|", "^") and isinstance(operands, list) and len(operands) == 2:
            left, right = (_mark_value(operand) for operand in operands)
            return lambda segment: _combine(operator, left(segment), right(segment))
    return lambda segment: None


def _combine(operator: str, left: int | None, right: int | None) -> int | None:
    if left is None or right is None:
        return None
    if operator == "&":
        return left & right
    return left | right if operator == "|" else left ^ right
