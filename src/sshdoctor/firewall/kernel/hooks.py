"""The kernel's hooks: which chains run where, in which order, with conntrack and NAT between them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import permutations
from typing import NamedTuple

from msgspec.structs import replace

from sshdoctor.firewall.kernel.conntrack import track
from sshdoctor.firewall.kernel.matches import has_loopback_address, on_device
from sshdoctor.firewall.kernel.paths import ChainPath, Doubts, Result, Stop, add_stop, join, merge, with_doubt
from sshdoctor.firewall.kernel.segment import RST, SYN, Segment, to_number
from sshdoctor.firewall.kernel.walk import Walker
from sshdoctor.firewall.model import NAT, Base, Chain, Doubt, Hook, NatTo, Table, Truth

CONNTRACK = -200
_NEEDS_CONNTRACK = re.compile(
    r"\bct\b|-m (?:conn|state|helper|cluster)"
    r"|-j (?:CT|CONNMARK|CONNSECMARK|SYNPROXY|[DS]NAT|MASQUERADE|REDIRECT|NETMAP)\b"
    r"|\b(?:[ds]nat|masquerade|redirect|synproxy|flow)\b"
)
_HOOKS: tuple[Hook, ...] = ("prerouting", "input", "forward", "output", "postrouting")


class _Placed(NamedTuple):
    """A chain that a hook calls, with its table's walker."""

    base: Base
    chain: Chain
    walker: Walker
    backend: str


class _Stage(NamedTuple):
    """What stands at one priority of a hook."""

    priority: int
    kind: str
    chains: tuple[_Placed, ...] = ()


class Hooks:
    """All tables of one family, as the kernel runs them."""

    def __init__(self, tables: Iterable[Table]) -> None:
        tables = list(tables)
        self._tracks: bool | None = None
        self._tables = tables
        placed = [
            _Placed(chain.base, chain, walker, table.backend)
            for table in tables
            for walker in [Walker(table.chains, _translate)]
            for chain in table.chains.values()
            if chain.base is not None
        ]
        self._stages = {hook: _stages(hook, [p for p in placed if p.base.hook == hook]) for hook in _HOOKS}

    def traverse(self, hook: Hook, paths: Iterable[ChainPath]) -> Result:
        """Every segment through ``hook``: ``accepted`` has what comes out, ``stops`` what does not."""
        result = Result()
        alive = [path._replace(segment=replace(path.segment, hook=hook)) for path in paths]
        for stage in self._stages[hook]:
            alive = merge([after for path in alive for after in self._pass(stage, path, result)])
        result.accepted = alive
        return result

    def _pass(self, stage: _Stage, path: ChainPath, result: Result) -> list[ChainPath]:
        if stage.kind == "track":
            return [path._replace(segment=track(path.segment))]
        if stage.kind == "nat":
            return self._nat(stage, path, result)
        return self._in_any_order(stage.chains, path, result)

    def _nat(self, stage: _Stage, path: ChainPath, result: Result) -> list[ChainPath]:
        """NAT chains see only the first packet of a connection; the others follow what was decided then.

        So does the RST that refuses the first packet before it has met all of them (nf_nat_core.c: NAT that
        is not set up yet is asked about a related packet too); it is sent as it is, whatever they say.
        """
        segment = path.segment
        redirected = segment.connection.redirected_to
        if segment.state in ("INVALID", "UNTRACKED"):
            if redirected and segment.icmp is None:
                add_stop(result, _lost(path, "a redirected connection that conntrack does not follow"))
                return []
            return [path]
        if stage.chains and not self._is_tracked():
            return [path]
        bound = _bound(segment)
        if segment.state == "NEW" and (not redirected or segment.hook != "prerouting"):
            return self._in_any_order(stage.chains, path._replace(segment=bound), result)
        refuses_first = (
            segment.state == "RELATED" and segment.flags & RST and not segment.connection.confirmed
        )
        asked = [path]
        if refuses_first and bound != segment:
            asked = self._in_any_order(stage.chains, path._replace(segment=bound), result)
        return [p._replace(segment=_follow(p.segment)) for p in asked] if redirected else asked

    def _is_tracked(self) -> bool:
        """Measured: without a rule that needs it the kernel tracks no connection, and asks no NAT chain."""
        if self._tracks is None:
            rules = (
                chain.show(rule) for t in self._tables for chain in t.chains.values() for rule in chain.rules
            )
            self._tracks = any(_NEEDS_CONNTRACK.search(text) for text in rules)
        return self._tracks

    def _in_any_order(self, chains: Sequence[_Placed], path: ChainPath, result: Result) -> list[ChainPath]:
        """Chains of equal priority run in the order of their registration, the last one first: a dump does
        not tell, unless nft lists them all. Where the order matters and is not known, that is the answer."""
        busy = [placed for placed in chains if placed.chain.rules or placed.chain.policy != "accept"]
        orders = [self._in_order(order, path) for order in _orders(busy)]
        first = orders[0]
        if any(_looks(other) != _looks(first) for other in orders[1:]):
            names = " and ".join(dict.fromkeys(placed.backend or "iptables" for placed in busy))
            doubt: Doubts = ((Doubt("unknown", f"which tables were loaded first ({names})"), None),)
        else:
            orders, doubt = [first], ()
        for order in orders:
            for stop in order.stops:
                add_stop(result, stop._replace(doubts=join(stop.doubts, doubt)))
        return [p._replace(doubts=join(p.doubts, doubt)) for order in orders for p in order.accepted]

    def _in_order(self, chains: Sequence[_Placed], path: ChainPath) -> Result:
        result = Result(accepted=[path])
        for placed in chains:
            before, result.accepted = result.accepted, []
            for path in before:
                self._through(placed, path, result)
            result.accepted = merge(result.accepted)
        return result

    @staticmethod
    def _through(placed: _Placed, path: ChainPath, result: Result) -> None:
        here = _meets(placed.base, path.segment)
        redirected = placed.base.nat and path.segment.connection.redirected_to
        done = redirected and path.segment.hook == "prerouting"  # input asks about the source alone
        if here is not True or done:
            result.accepted.append(with_doubt(path, here, None))
        if here is False or done:
            return
        at = with_doubt(path, here, None)
        if placed.base.bridge:  # there the interfaces are the bridge's ports
            seen = replace(at.segment, in_interface=None, out_interface=None)
        else:
            seen = at.segment
        walked = placed.walker.base(placed.chain, seen)
        for stop in walked.stops:
            add_stop(result, stop._replace(doubts=join(at.doubts, stop.doubts)))
        result.accepted.extend(_onward(at, after) for after in walked.accepted)


def _meets(base: Base, segment: Segment) -> Truth:
    """Whether a chain of certain interfaces, or of bridges, sees the packet."""
    if not base.bridge:
        return on_device(base.devices, segment)
    through = segment.packet.bridged
    return Doubt("unknown", "whether the packet comes through a bridge") if through is None else through


def _onward(before: ChainPath, after: ChainPath) -> ChainPath:
    """``before``, past a chain. What is named as letting the client in is what let its SYN in."""
    segment = replace(
        after.segment, in_interface=before.segment.in_interface, out_interface=before.segment.out_interface
    )
    named = after.rule is not None and segment.flags == SYN and segment.hook in ("input", "forward")
    rule, way = (after.rule, after.way) if named else (before.rule, before.way)
    redirected = segment.connection.redirected_to and not before.segment.connection.redirected_to
    by = after.rule if redirected else before.redirected_by
    return ChainPath(segment, join(before.doubts, after.doubts), rule, way, by)


def _stages(hook: Hook, chains: list[_Placed]) -> list[_Stage]:
    stages = [_Stage(CONNTRACK, "track")] if hook in ("prerouting", "output") else []
    if hook in NAT:
        stages.append(_Stage(NAT[hook], "nat", tuple(placed for placed in chains if placed.base.nat)))
    filters = [placed for placed in chains if not placed.base.nat]
    for priority in {placed.base.priority for placed in filters}:
        equal = tuple(placed for placed in filters if placed.base.priority == priority)
        stages.append(_Stage(priority, "chains", equal))
    return sorted(stages, key=lambda stage: stage.priority)


def _orders(chains: list[_Placed]) -> list[tuple[_Placed, ...]]:
    """The orders in which they may run; among those that nft lists, the last is the first."""
    known = sorted((p for p in chains if p.base.order is not None), key=lambda p: -(p.base.order or 0))
    others = [placed for placed in chains if placed.base.order is None]
    if not others:
        return [tuple(known)]
    if len(chains) <= 3:
        return list(permutations(chains))
    return [(*known, *others), (*others, *known), (*known, *reversed(others))]


def _looks(result: Result) -> tuple[frozenset[str], frozenset[Segment]]:
    return frozenset(stop.word for stop in result.stops), frozenset(path.segment for path in result.accepted)


def _lost(path: ChainPath, why: str) -> Stop:
    doubts = join(path.doubts, ((Doubt("unknown", why), None),))
    return Stop("", path.segment, None, doubts, True)


def _bound(segment: Segment) -> Segment:
    """The segment once NAT is set up for the side that its hook decides (nf_nat.h, HOOK2MANIP)."""
    side = "destination" if segment.hook in ("prerouting", "output") else "source"
    known = segment.connection
    return replace(segment, connection=replace(known, bound=known.bound | {side}))


def _translate(segment: Segment, value: object) -> ChainPath | Stop:
    """REDIRECT and DNAT of a SYN. Of other packets than a client's SYN nothing is known."""
    if isinstance(value, Doubt):
        return ChainPath(segment) if segment.flags & RST else _lost(ChainPath(segment), value.why)
    if segment.hook != "prerouting" or segment.flags != SYN or not isinstance(value, NatTo):
        return _lost(ChainPath(segment), "a connection that is translated in the middle")
    address, port, mask = value
    first = segment.packet.redirect_address
    if address is None and first is not None:
        address = to_number(first, segment.family)
    if address is not None and mask is not None:
        address |= segment.destination & ~mask
    to = (segment.destination if address is None else address, port or segment.destination_port or 0)
    if has_loopback_address(to[0], segment) and not has_loopback_address(segment.source, segment):
        return _lost(ChainPath(segment), "whether the interface may route to loopback (route_localnet)")
    known = replace(segment.connection, redirected_to=to, picked=address is None)
    moved = replace(segment, connection=known)
    return ChainPath(_follow(moved))


def _follow(segment: Segment) -> Segment:
    """What NAT makes of a packet of a connection that was redirected."""
    to = segment.connection.redirected_to
    if to and segment.sender == "client" and segment.hook == "prerouting":
        picked = segment.connection.picked
        return replace(segment, destination=to[0], destination_port=to[1], picked=picked)
    if to and segment.sender == "server" and segment.hook == "postrouting":
        packet = segment.packet
        dialled = to_number(packet.destination, packet.family)
        return replace(segment, source=dialled, source_port=packet.destination_port, picked=False)
    return segment
