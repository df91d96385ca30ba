"""The kernel's hooks: which chains run where, in which order, with conntrack and NAT between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import permutations
from typing import NamedTuple

from sshdoctor.firewall.conntrack import track
from sshdoctor.firewall.matches import has_loopback_address
from sshdoctor.firewall.model import BaseChain, Doubt, Hook, Table
from sshdoctor.firewall.segment import SYN, Segment, to_number
from sshdoctor.firewall.walk import Path, Result, Stop, Walker, add_stop, join, merge

CONNTRACK = -200
NAT: dict[Hook, int] = {"prerouting": -100, "output": -100, "input": 100, "postrouting": 100}
"""Where NAT sits in each hook, whatever priority its chains name (nf_nat_core.c)."""

_PRIORITIES = {"raw": -300, "mangle": -150, "filter": 0, "security": 50}
_HOOKS: tuple[Hook, ...] = ("prerouting", "input", "forward", "output", "postrouting")


def base_chains(table: Table) -> list[BaseChain]:
    """The chains of an iptables table that the kernel calls, by their names."""
    nat = table.name == "nat"
    return [
        BaseChain(hook, NAT[hook] if nat else _PRIORITIES[table.name], nat, table, table.chains[hook.upper()])
        for hook in _HOOKS
        if hook.upper() in table.chains
    ]


class _Stage(NamedTuple):
    """What stands at one priority of a hook."""

    priority: int
    kind: str
    chains: tuple[BaseChain, ...] = ()


class Hooks:
    """All tables of one family, as the kernel runs them."""

    def __init__(self, chains: Iterable[BaseChain]) -> None:
        listed = list(chains)
        self._stages = {hook: _stages(hook, [c for c in listed if c.hook == hook]) for hook in _HOOKS}
        self._walkers = {id(c.table.chains): Walker(c.table.chains, _translate) for c in listed}

    def traverse(self, hook: Hook, paths: Iterable[Path]) -> Result:
        """Every segment through ``hook``: ``accepted`` has what comes out, ``stops`` what does not."""
        result = Result()
        alive = [path._replace(segment=replace(path.segment, hook=hook)) for path in paths]
        for stage in self._stages[hook]:
            alive = merge([after for path in alive for after in self._pass(stage, path, result)])
        result.accepted = alive
        return result

    def _pass(self, stage: _Stage, path: Path, result: Result) -> list[Path]:
        if stage.kind == "track":
            return [path._replace(segment=track(path.segment))]
        if stage.kind == "nat":
            return self._nat(stage, path, result)
        return self._in_any_order(stage.chains, path, result)

    def _nat(self, stage: _Stage, path: Path, result: Result) -> list[Path]:
        """NAT chains see only the first packet of a connection; the others follow what was decided then."""
        segment = path.segment
        redirected = segment.connection.redirected_to
        if segment.state in ("INVALID", "UNTRACKED"):
            if redirected and segment.icmp is None:
                add_stop(result, _lost(path, "a redirected connection that conntrack does not follow"))
                return []
            return [path]
        if segment.state == "NEW" and (not redirected or segment.hook != "prerouting"):
            return self._in_any_order(stage.chains, path, result)
        return [path._replace(segment=_follow(segment))] if redirected else [path]

    def _in_any_order(self, chains: Sequence[BaseChain], path: Path, result: Result) -> list[Path]:
        """Chains of equal priority run in the order of their registration, the last one first: a dump does
        not tell. Where the order changes what comes of it, the answer depends on it."""
        busy = [chain for chain in chains if chain.chain.texts or chain.chain.policy != "accept"]
        orders = [self._in_order(order, path) for order in _orders(busy)]
        first = orders[0]
        if any(_looks(other) != _looks(first) for other in orders[1:]):
            names = " and ".join(dict.fromkeys(f"{c.table.backend or 'iptables'}" for c in busy))
            doubt = ((Doubt("unknown", f"which tables were loaded first ({names})"), None),)
        else:
            orders, doubt = [first], ()
        for order in orders:
            for stop in order.stops:
                add_stop(result, stop._replace(doubts=join(stop.doubts, doubt)))
        return [p._replace(doubts=join(p.doubts, doubt)) for order in orders for p in order.accepted]

    def _in_order(self, chains: Sequence[BaseChain], path: Path) -> Result:
        result = Result(accepted=[path])
        for base in chains:
            walker = self._walkers[id(base.table.chains)]
            before, result.accepted = result.accepted, []
            for at in before:
                if base.nat and at.segment.connection.redirected_to:
                    result.accepted.append(at)
                    continue
                walked = walker.base(base.chain, at.segment)
                for stop in walked.stops:
                    add_stop(result, stop._replace(doubts=join(at.doubts, stop.doubts)))
                result.accepted.extend(_onward(at, after) for after in walked.accepted)
            result.accepted = merge(result.accepted)
        return result


def _onward(before: Path, after: Path) -> Path:
    named = after.rule is not None and before.segment.hook in ("input", "forward")
    rule, way = (after.rule, after.way) if named else (before.rule, before.way)
    return Path(after.segment, join(before.doubts, after.doubts), rule, way)


def _stages(hook: Hook, chains: list[BaseChain]) -> list[_Stage]:
    stages = [_Stage(CONNTRACK, "track")] if hook in ("prerouting", "output") else []
    if hook in NAT:
        stages.append(_Stage(NAT[hook], "nat", tuple(chain for chain in chains if chain.nat)))
    for priority in sorted({chain.priority for chain in chains if not chain.nat}):
        equal = tuple(chain for chain in chains if chain.priority == priority and not chain.nat)
        stages.append(_Stage(priority, "chains", equal))
    return sorted(stages, key=lambda stage: stage.priority)


def _orders(chains: list[BaseChain]) -> list[tuple[BaseChain, ...]]:
    if len(chains) <= 3:
        return list(permutations(chains))
    return [tuple(chains), tuple(reversed(chains))]


def _looks(result: Result) -> tuple[frozenset[str], frozenset[Segment]]:
    return frozenset(stop.word for stop in result.stops), frozenset(path.segment for path in result.accepted)


def _lost(path: Path, why: str) -> Stop:
    doubts = join(path.doubts, ((Doubt("unknown", why), None),))
    return Stop("", path.segment, None, doubts, True)


def _translate(segment: Segment, value: object) -> Path | Stop:
    """REDIRECT and DNAT of a SYN. The port that REDIRECT gives is on the interface's own address, which is
    taken to be the one dialled. Of other packets than a client's SYN nothing is known."""
    if segment.hook != "prerouting" or segment.flags != SYN or not isinstance(value, tuple):
        return _lost(Path(segment), "a connection that is translated in the middle")
    address, port = value
    to = (segment.destination if address is None else address, port or segment.destination_port or 0)
    if has_loopback_address(to[0], segment) and not has_loopback_address(segment.source, segment):
        return _lost(Path(segment), "whether the interface may route to loopback (route_localnet)")
    moved = replace(segment, connection=replace(segment.connection, redirected_to=to))
    return Path(_follow(moved))


def _follow(segment: Segment) -> Segment:
    """What NAT makes of a packet of a connection that was redirected."""
    to = segment.connection.redirected_to
    if to and segment.sender == "client" and segment.hook == "prerouting":
        return replace(segment, destination=to[0], destination_port=to[1])
    if to and segment.sender == "server" and segment.hook == "postrouting":
        packet = segment.packet
        dialled = to_number(packet.destination, packet.family)
        return replace(segment, source=dialled, source_port=packet.destination_port)
    return segment
