"""The fact ``here``: what this machine itself, from which the client dials, does with the dial."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from sshdoctor.diagnosis.derived.dialled import Dialled
from sshdoctor.diagnosis.derived.path import dumps
from sshdoctor.errors import RulesError
from sshdoctor.facts.host.addresses import Addresses
from sshdoctor.facts.host.firewall import Firewall
from sshdoctor.facts.host.links import Links
from sshdoctor.facts.host.way_back import Entry, Route, WayBack
from sshdoctor.model import Command, Evidence, Unknown
from sshdoctor.unblock.owner import command_for

if TYPE_CHECKING:
    from sshdoctor.firewall.outbound import Halt

Facts = Mapping[str, Any]
_FEW = 4
"""A machine may well have so many addresses of its own on one network."""


class Here(Struct, frozen=True, kw_only=True):
    """``route_state``: ok, blackhole, unreachable, prohibit, no-route; ``via`` is the gateway, "" where the
    address is taken for a neighbour's. ``mac`` is this machine's own hardware address on that interface,
    ``peer_mac`` the one that it has for the address dialled, both "" where there is none; ``peer_shared`` are
    other addresses that it has the same one for; ``peer_routes``: a gateway is among these, or many are: a
    router that answers for all.

    ``halted`` is the rule of this machine's own firewall that stops the dial, or says that none does;
    ``packet`` is the packet that it stops, ``release`` what would let it pass. ``stops``: whether one does;
    where the rules may not be read, the kernel tells that nothing stops what goes out by counting nothing
    that it could not send, and where it does not count, nothing speaks for it. ``resets``: the rule answers
    with a RST. ``unsent`` is that count while this was dialled, 0 where there is none.
    """

    route_state: str | Unknown
    interface: str
    via: str | Unknown
    mac: str | Unknown
    peer_mac: str | Unknown
    peer_shared: tuple[str, ...]
    peer_routes: bool
    halted: str | Unknown
    stops: bool | Unknown
    resets: bool
    packet: str
    release: Command
    unsent: int
    evidence: tuple[Evidence, ...]


def here(dial: Dialled, facts: Facts | Unknown, dial_stays_here: bool) -> Here | Unknown:
    """The fact, from what this machine says of itself as a host (``client`` is then the address dialled).

    ``dial_stays_here``: this machine is the host, and nothing leaves it.
    """
    if isinstance(facts, Unknown) or "way_back" not in facts:
        return _HOST_ITSELF if dial_stays_here else _NOT_ASKED
    way: WayBack | Unknown = facts["way_back"]
    route = _first_route(way)
    halt, rules = _halted(dial, facts, route)
    unsent = facts.get("unsent", Unknown("not counted"))
    entry = None if isinstance(way, Unknown) else _entry(way, dial.address)
    shared = () if isinstance(way, Unknown) or entry is None else _shared(way, entry)
    text = "" if isinstance(route, Unknown) else route.text
    return Here(
        route_state=route if isinstance(route, Unknown) else route.state,
        interface="" if isinstance(route, Unknown) else route.interface,
        via=route if isinstance(route, Unknown) else route.via,
        mac=_mac(facts["links"], route),
        peer_mac=way if isinstance(way, Unknown) else entry.mac if entry else "",
        peer_shared=shared,
        peer_routes=not isinstance(way, Unknown)
        and (len(shared) > _FEW or bool(set(shared) & set(way.gateways))),
        halted=f"{halt.rule}" if halt else "no rule stops it" if rules is None else rules,
        stops=_stops(halt, rules, unsent),
        resets=halt is not None and halt.word == "rst",
        packet=halt.packet if halt else "",
        release=Command(_release(halt, dial, facts["firewall"]) if halt else ""),
        unsent=0 if isinstance(unsent, Unknown) else unsent,
        evidence=(
            *((Evidence("on this machine: ip route get", text),) if text else ()),
            *((Evidence("on this machine: ip neigh", entry.text),) if entry else ()),
            *((Evidence("on this machine: its own rules", str(halt.rule)),) if halt else ()),
        ),
    )


_NOT_ASKED = Unknown("this machine was not asked")
_HOST_ITSELF = Here(
    route_state="ok",
    interface="lo",
    via="",
    mac="",
    peer_mac="",
    peer_shared=(),
    peer_routes=False,
    halted="no rule stops it",
    stops=False,
    resets=False,
    packet="",
    release=Command(""),
    unsent=0,
    evidence=(),
)
"""Its rules are judged as the host's."""


def _stops(halt: Halt | None, rules: Unknown | None, unsent: int | Unknown) -> bool | Unknown:
    if halt is not None or rules is None:
        return halt is not None
    return rules if not isinstance(unsent, Unknown) and unsent > 0 else False


def _first_route(way: WayBack | Unknown) -> Route | Unknown:
    if isinstance(way, Unknown):
        return way
    return way.routes if isinstance(way.routes, Unknown) else way.routes[0]


def _entry(way: WayBack, address: str) -> Entry | None:
    entries = () if isinstance(way.neighbours, Unknown) else way.neighbours
    return next((one for one in entries if one.address == address.partition("%")[0]), None)


def _shared(way: WayBack, entry: Entry) -> tuple[str, ...]:
    same = [one.address for one in way.table if one.mac == entry.mac and one.address != entry.address]
    return tuple(dict.fromkeys(same)) if entry.mac else ()


def _mac(links: Links | Unknown, route: Route | Unknown) -> str | Unknown:
    if isinstance(links, Unknown):
        return links
    if isinstance(route, Unknown):
        return route
    link = links.named(route.interface)
    return link.mac if link else ""


def _halted(dial: Dialled, facts: Facts, route: Route | Unknown) -> tuple[Halt | None, Unknown | None]:
    """What stops the dial, or why that is not known."""
    firewall: Firewall | Unknown = facts["firewall"]
    addresses: Addresses | Unknown = facts["addresses"]
    if isinstance(firewall, Unknown):
        return None, firewall
    if isinstance(firewall.readable, Unknown):
        return None, firewall.readable
    source = facts.get("source")
    if not source or isinstance(addresses, Unknown) or isinstance(route, Unknown):
        return None, Unknown("this machine's own address on the way there is not known")
    from sshdoctor.firewall.outbound import Dialling, halted

    dialling = Dialling(
        family="ipv6" if dial.family == "ipv6" else "ipv4",
        source=source.partition("%")[0],
        destination=dial.address.partition("%")[0],
        port=dial.port,
        interface=route.interface or None,
        uid=os.geteuid(),
    )
    try:
        return halted(dumps(firewall), dialling), None
    except RulesError as error:
        return None, Unknown(str(error))


def _release(halt: Halt, dial: Dialled, firewall: Firewall) -> str:
    """The smallest rule that lets this dial out (or its answer in), before the one that stops it."""
    rule, out = halt.rule, not halt.packet.startswith("host's")
    chain, address = shlex.quote(rule.chain), dial.address.partition("%")[0]
    if " " in rule.table:
        ip = "ip6" if dial.family == "ipv6" else "ip"
        ends = f"daddr {address} tcp dport" if out else f"saddr {address} tcp sport"
        table = shlex.join(rule.table.split())
        return f"on this machine: nft insert rule {table} {chain} {ip} {ends} {dial.port} accept"
    tool = command_for(rule, dial.family, firewall)
    ends = f"-d {address} --dport" if out else f"-s {address} --sport"
    return f"on this machine: {tool} -t {rule.table} -I {chain} 1 -p tcp {ends} {dial.port} -j ACCEPT"
