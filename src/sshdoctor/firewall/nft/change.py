"""nft's statements that change a packet or leave a note on it: ``meta mark set``, ``notrack`` and others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from msgspec.structs import replace

from sshdoctor.firewall.iptables.header_changes import run_out, write_hops, write_service
from sshdoctor.firewall.iptables.service_types import DSCP, ECN
from sshdoctor.firewall.kernel.matches import in_doubt
from sshdoctor.firewall.kernel.segment import Segment
from sshdoctor.firewall.model import Body, Doubt, Match, Target, Truth
from sshdoctor.firewall.nft.fields import field_of
from sshdoctor.firewall.nft.match import Scope, choice
from sshdoctor.model import Family

Change = Callable[[Segment], Segment | None]
"""What the segment is afterwards; None where the rule ends here, without effect (NFT_BREAK)."""

_NO_CONNECTION = ("INVALID", "UNTRACKED")
_PACKET_MARK = {"meta": {"key": "mark"}}
_CONNECTION_MARK = {"ct": {"key": "mark"}}


def changed(kind: str, value: Any, rest: Body, scope: Scope) -> Target:
    """What ``mangle`` or ``notrack`` does, and then ``rest``, what follows it in the rule."""
    if kind == "notrack":
        return _then(_untrack, rest)
    key, given = value["key"], value.get("value")
    [(what, field)] = key.items()
    name = field.get("key") or f"{field.get('protocol')} {field.get('field')}"
    if key in (_PACKET_MARK, _CONNECTION_MARK):
        if isinstance(given, dict) and "map" in given:
            return _looked_up(key, given["map"], rest, scope)
        return _then(_marking(key, given), _if_it_has_one(given, rest))
    if what == "payload":
        return _header(name, given, rest, scope.family)
    if what == "ct" and name == "zone":
        return _then(lambda s: replace(s, connection=replace(s.connection, zoned=True)), rest)
    if what in ("ct", "tcp option") or name in _HARMLESS or given in ("host", "unicast"):
        return _then(lambda segment: segment, rest)
    return _rewritten(f"{what} {name}")


_HARMLESS = frozenset(("priority", "nftrace", "secmark"))


def _then(change: Change, rest: Body) -> Target:
    return Target("sequence", (change, rest))


def _rewritten(name: str) -> Target:
    return Target("lost", Doubt("unknown", f"what comes of a packet that is rewritten ({name})"))


def _marking(key: Any, given: Any) -> Change:
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


def _looked_up(key: Any, value: dict[str, Any], rest: Body, scope: Scope) -> Target:
    """``meta mark set ip saddr map { ... }``: who is not in the map is done with this rule."""
    if doubt := scope.sets.doubt_of(value["data"]):
        after = Body((Match(in_doubt, doubt), *rest.matches), rest.target)
        return _then(_marking(key, None), after)
    marks = [(each, _then(_marking(key, mark), rest)) for each, mark in scope.sets.of(value["data"])]
    return Target("choose", choice(field_of(value["key"], scope.family), marks))


def _if_it_has_one(given: Any, rest: Body) -> Body:
    """A value that is read where the packet has none ends the rule."""
    if not _may_be_absent(given):
        return rest
    doubt = Doubt("unknown", "a value that a mark is taken from")
    return Body((Match(in_doubt, doubt), *rest.matches), rest.target)


def _may_be_absent(value: Any) -> bool:
    if not isinstance(value, dict) or value in (_PACKET_MARK, _CONNECTION_MARK):
        return False
    [(operator, operands)] = value.items()
    if operator in ("&", "|", "^", "<<", ">>"):
        return any(map(_may_be_absent, operands))
    return operator not in ("numgen", "symhash")


def _header(name: str, given: Any, rest: Body, family: Family) -> Target:
    """``ip dscp set``, ``ip6 hoplimit set``; a packet of the other family is passed over."""
    protocol, _, field = name.partition(" ")
    if protocol not in ("ip", "ip6"):
        return _rewritten(name)
    if protocol != ("ip" if family == "ipv4" else "ip6"):
        return _then(lambda segment: None, rest)
    if field == "dscp" and (number := _number(given, DSCP)) is not None:
        return _then(partial(write_service, 0xFC, number << 2), rest)
    if field == "ecn" and (number := _number(given, ECN)) is not None:
        return _then(partial(write_service, 0x03, number), rest)
    if field in ("ttl", "hoplimit") and isinstance(given, int):
        last = Target("choose", lambda segment: [*_too_far(segment), (True, _then(lambda s: s, rest))])
        return _then(partial(write_hops, given), Body((), last))
    return _rewritten(name)


def _too_far(segment: Segment) -> list[tuple[Truth, Target]]:
    truth = run_out(0, segment)
    return [] if truth is False else [(truth, Target("drop"))]


def _number(given: Any, names: Mapping[str, int]) -> int | None:
    return given if isinstance(given, int) else names.get(str(given))


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
