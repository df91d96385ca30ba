"""nft's statements that change a packet or leave a note on it: ``meta mark set``, ``notrack`` and others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from msgspec.structs import replace

from sshdoctor.firewall.iptables.header_changes import run_out, write_hops, write_service
from sshdoctor.firewall.iptables.marks import set_label
from sshdoctor.firewall.iptables.service_types import DSCP, ECN
from sshdoctor.firewall.kernel.conntrack import ZONE
from sshdoctor.firewall.kernel.segment import Segment
from sshdoctor.firewall.model import Body, Doubt, Match, Target, Truth
from sshdoctor.firewall.nft.evaluate import guard, number_of
from sshdoctor.firewall.nft.match import Scope
from sshdoctor.model import Family

Change = Callable[[Segment], Segment | None]
"""What the segment is afterwards; None where the rule ends here, without effect (NFT_BREAK)."""

_NO_CONNECTION = ("INVALID", "UNTRACKED")
_PACKET_MARK = {"meta": {"key": "mark"}}
_CONNECTION_MARK = {"ct": {"key": "mark"}}


def changed(kind: str, value: Any, rest: Body, scope: Scope) -> tuple[tuple[Match, ...], Target]:
    """What ``mangle`` or ``notrack`` does, and then ``rest``, what follows it in the rule; and the matches
    that go before it, since a value that is not there ends the rule."""
    if kind == "notrack":
        return (), _then(_untrack, rest)
    key, given = value["key"], value.get("value")
    return guard(given, scope), _changed(key, given, rest, scope)


def _changed(key: Any, given: Any, rest: Body, scope: Scope) -> Target:
    [(what, field)] = key.items()
    name = field.get("key") or f"{field.get('protocol')} {field.get('field')}"
    if key in (_PACKET_MARK, _CONNECTION_MARK):
        return _then(partial(_mark, key, number_of(given, scope)), rest)
    if what == "payload":
        return _header(name, given, rest, scope.family)
    if what == "ct" and name == "zone":
        if "dir" in field:
            return Target("lost", ZONE)
        return _then(lambda s: replace(s, connection=replace(s.connection, zoned=True)), rest)
    if what == "ct" and name == "label":
        return _label(given, rest)
    if what in ("ct", "tcp option") or name in _HARMLESS or given in ("host", "unicast"):
        return _then(lambda segment: segment, rest)
    return _rewritten(f"{what} {name}")


_HARMLESS = frozenset(("priority", "nftrace", "secmark"))


def _then(change: Change, rest: Body) -> Target:
    return Target("sequence", (change, rest))


def _rewritten(name: str) -> Target:
    return Target("lost", Doubt("unknown", f"what comes of a packet that is rewritten ({name})"))


def _mark(key: Any, number: Callable[[Segment], int | None], segment: Segment) -> Segment:
    if key == _PACKET_MARK:
        return replace(segment, mark=number(segment))
    if segment.state in _NO_CONNECTION:
        return segment
    return replace(segment, connection=replace(segment.connection, mark=number(segment)))


def _label(given: Any, rest: Body) -> Target:
    """nft 1.0.6 lists a label from a map without the map: what is no constant may as well end the rule."""
    if isinstance(given, dict | list):
        return Target("lost", Doubt("unknown", "which label the connection is given"))
    return _then(lambda s: s if s.state in _NO_CONNECTION else set_label(str(given), s), rest)


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
    if field == "flowlabel":
        return _then(lambda segment: segment, rest)
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
