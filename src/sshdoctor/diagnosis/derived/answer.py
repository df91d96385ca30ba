"""The fact ``answer``: whether the client's SYN came in, and where the host's answer to it goes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from msgspec import Struct

from sshdoctor.diagnosis.derived.dialled import Dialled
from sshdoctor.diagnosis.derived.here import Here
from sshdoctor.diagnosis.derived.path import dumps, packet_of
from sshdoctor.errors import RulesError
from sshdoctor.facts.host.addresses import Addresses
from sshdoctor.facts.host.firewall import Firewall
from sshdoctor.facts.host.links import Links
from sshdoctor.facts.host.way_back import Entry, Route, Waiting, WayBack
from sshdoctor.model import Command, Evidence, Unknown

if TYPE_CHECKING:
    from sshdoctor.firewall import Rule

REFUSED = ("blackhole", "unreachable", "prohibit", "no-route")
_UNRESOLVED = ("INCOMPLETE", "FAILED")


class Answer(Struct, frozen=True, kw_only=True):
    """``arrived``: a SYN of this client's waits on the host for the end of its handshake: it came in, through
    every filter, and was answered (or was to be).

    ``state`` of the route that the answer takes: ok, blackhole, unreachable, prohibit, no-route; ``mark`` is
    the mark by which it is chosen, 0 for none, and ``rule`` the line of ``ip rule`` that leads to it, "" if
    that is one of the usual three. ``elsewhere``: it leaves by another interface than the one that holds the
    address dialled. ``dropped_for_it``: rp_filter drops what comes in by another one than that.

    ``hop`` is whose hardware address is needed, ``hop_state`` what the host knows of it: "known",
    "unresolved" (it asks, and nobody answers), "wrong" (this machine's is another), "fixed" (a permanent
    entry for a router, which nothing corrects), "none". ``on_link``: the host takes the client for a
    neighbour. ``misjudged``: it does, and this machine sends by a router.
    """

    arrived: bool | Unknown
    state: str | Unknown
    mark: int
    rule: str
    interface: str
    text: str
    why: str
    fix: Command
    """What would mend the route."""
    elsewhere: bool | Unknown
    dropped_for_it: bool | Unknown
    hop: str
    hop_state: str | Unknown
    hop_text: str
    hop_mac: str
    on_link: bool | Unknown
    misjudged: bool | Unknown
    prefix: str
    """The host's own address with the length of its prefix, where that makes the client a neighbour."""
    own_copy: Command
    """The client's own address where the host has it as well, as ``ip addr`` takes it; ""."""
    evidence: tuple[Evidence, ...]


def answer(
    dial: Dialled,
    client: str | None,
    way: WayBack | Unknown,
    firewall: Firewall | Unknown,
    addresses: Addresses | Unknown,
    links: Links | Unknown,
    seen_here: Here | Unknown,
) -> Answer | Unknown:
    """The fact for the client at ``client``, as the host sees it."""
    if isinstance(way, Unknown):
        return way
    mark, rules = _mark(dial, client, way, firewall, addresses)
    route = _route(way, mark)
    rule = _rule(way.rules, dial, mark)
    plain = None if isinstance(route, Unknown) else route
    hop = (plain.via or client or "") if plain and plain.state == "ok" else ""
    entry = _entry(way, hop, plain.interface if plain else "")
    on_link = plain.via == "" and plain.state == "ok" if plain else Unknown("the way back is not known")
    via = seen_here if isinstance(seen_here, Unknown) else seen_here.via
    arrived = _arrived(way, client, dial, entry)
    elsewhere = _elsewhere(plain, addresses)
    return Answer(
        arrived=arrived,
        state=route if isinstance(route, Unknown) else route.state,
        mark=mark,
        rule=rule,
        interface=plain.interface if plain else "",
        text=plain.text if plain else "",
        why=_why(plain, rule, mark),
        fix=_fix(plain, rule, mark, addresses, client),
        elsewhere=elsewhere,
        dropped_for_it=_dropped(elsewhere, addresses, links),
        hop=hop,
        hop_state=_hop_state(way, entry, plain, seen_here),
        hop_text=entry.text if entry else "",
        hop_mac=entry.mac if entry else "",
        on_link=on_link,
        misjudged=on_link if on_link is not True else via if isinstance(via, Unknown) else via != "",
        own_copy=Command() if isinstance(seen_here, Unknown) else _own_copy(client, addresses),
        prefix=_prefix(client, addresses) if on_link is True else "",
        evidence=tuple(_evidence(way, client, plain, rule, rules, entry)),
    )


def _own_copy(client: str | None, addresses: Addresses | Unknown) -> Command:
    every = () if isinstance(addresses, Unknown) else addresses.all
    own = next((each for each in every if each.address == client and each.interface), None)
    return Command(f"{own.address}/{own.prefix_length} dev {own.interface}" if own else "")


def _waiting(way: WayBack) -> tuple[Waiting, ...]:
    return () if isinstance(way.waiting, Unknown) else way.waiting


def _arrived(way: WayBack, client: str | None, dial: Dialled, entry: Entry | None) -> bool | Unknown:
    """Measured: where the hop does not tell its hardware address, the kernel forgets the half-open connection
    after 3 s; but that it has asked the client for it, it did to answer it."""
    if isinstance(way.waiting, Unknown):
        return way.waiting
    if client is None:
        return Unknown("the client's address is not known")
    if entry is not None and entry.state in _UNRESOLVED:
        return True if entry.address == client else Unknown("the kernel forgets what it cannot answer")
    ports = (dial.port, dial.inside_port)
    ours = [one for one in way.waiting if one.peer == client and one.port in ports]
    if dial.source_port is not None and client == dial.source:  # others wait since before this dial
        ours = [one for one in ours if one.peer_port == dial.source_port]
    if ours:
        return True
    if isinstance(way.kept, Unknown):
        return way.kept
    return False if way.kept else Unknown("the kernel does not keep what waits for its handshake")


def _mark(
    dial: Dialled,
    client: str | None,
    way: WayBack,
    firewall: Firewall | Unknown,
    addresses: Addresses | Unknown,
) -> tuple[int, tuple[Rule, ...]]:
    """The mark of the answer, and the rules that name it; 0 where no rule of ``ip rule`` asks for a mark."""
    asked = isinstance(way.routes, tuple) and len(way.routes) > 1
    if not asked or isinstance(firewall, Unknown) or client is None or isinstance(dial.arrives_at, Unknown):
        return 0, ()
    from sshdoctor.firewall.answer_mark import answer_mark, marking_rules

    rulesets = dumps(firewall)
    try:
        mark = answer_mark(rulesets, packet_of(dial, client, dial.arrives_at, addresses))
        return mark or 0, tuple(marking_rules(rulesets, mark)) if mark else ()
    except RulesError:
        return 0, ()


def _route(way: WayBack, mark: int) -> Route | Unknown:
    """The route for packets with ``mark``: ``ip rule`` may ask for some of its bits alone."""
    if isinstance(way.routes, Unknown):
        return way.routes
    wanted = {int(value, 16): _bits(mask) for value, mask in _fwmarks(way.rules)}
    for route in way.routes[1:]:
        if mark and mark & wanted.get(route.mark, -1) == route.mark:
            return route
    return way.routes[0]


def _fwmarks(rules: Iterable[str]) -> list[tuple[str, str]]:
    return [pair for rule in rules for pair in re.findall(r"fwmark (0x[\da-f]+)(?:/(0x[\da-f]+))?", rule)]


def _bits(mask: str) -> int:
    return int(mask, 16) if mask else -1


def _rule(rules: tuple[str, ...], dial: Dialled, mark: int) -> str:
    """The first line of ``ip rule`` that means the answer: by its mark, or the address that it comes from."""
    for rule in rules:
        marks = _fwmarks([rule])
        source = re.search(r"\bfrom (\S+)", rule)
        of_mark = bool(marks) and mark and mark & _bits(marks[0][1]) == int(marks[0][0], 16)
        of_source = not marks and source and source[1] != "all" and _holds(source[1], dial.arrives_at)
        if of_mark or of_source:
            return rule
    return ""


def _why(route: Route | None, rule: str, mark: int) -> str:
    if route is None:
        return ""
    marked = f", by the mark 0x{mark:x} that its rules set" if mark else ""
    return f"{route.text}{marked}{f' (ip rule: {rule})' if rule else ''}"


def _fix(
    route: Route | None, rule: str, mark: int, addresses: Addresses | Unknown, client: str | None
) -> Command:
    """In the words of who made the way: a rule of ``ip rule``, a mark, a route."""
    if route is None:
        return Command("")
    own = "" if isinstance(addresses, Unknown) else addresses.dialled_interface or ""
    away = f"take the rule away: ip rule del {_selector(rule)}"
    if mark:
        return Command(
            f"Let the answers to clients keep no mark 0x{mark:x} (iptables-save and nft list ruleset have "
            f"the rules that set it), or {away}"
        )
    if rule:
        table = shlex.quote(rule.split()[-1])
        return Command(f"Mend the table that this rule leads to (ip route show table {table}), or {away}")
    if route.state != "ok":
        return Command(
            f"Remove that route (ip route show match {shlex.quote(client or '')}), or add one to the network "
            "of the client by the right gateway."
        )
    way = shlex.quote(own) if own else "its own interface"
    return Command(
        f"Give the network of the client a route by {way}; often a container network took its range."
    )


def _selector(rule: str) -> str:
    """
    >>> _selector("32765:\\tfrom all fwmark 0x1 lookup 100")
    'from all fwmark 0x1 lookup 100'
    """
    return shlex.join(rule.partition(":")[2].split())


def _holds(network: str, address: str | Unknown) -> bool:
    try:
        return not isinstance(address, Unknown) and ip_address(address) in ip_network(network, strict=False)
    except ValueError:
        return False


def _elsewhere(route: Route | None, addresses: Addresses | Unknown) -> bool | Unknown:
    if isinstance(addresses, Unknown):
        return addresses
    own = addresses.dialled_interface
    if route is None:
        return Unknown("the way back is not known")
    return bool(own) and route.state == "ok" and route.interface not in (own, "lo", "")


def _dropped(
    elsewhere: bool | Unknown, addresses: Addresses | Unknown, links: Links | Unknown
) -> bool | Unknown:
    """Strict mode of rp_filter (1), and the kernel has counted that it dropped something for it."""
    if elsewhere is not True:
        return elsewhere
    if isinstance(addresses, Unknown) or isinstance(addresses.rp_filter, Unknown):
        return Unknown("rp_filter is not known")
    if addresses.rp_filter != 1:
        return False
    return links if isinstance(links, Unknown) else links.reverse_path_drops != 0


def _entry(way: WayBack, hop: str, interface: str) -> Entry | None:
    """That of the interface by which the answer leaves: another may know the same address, as the client's
    own question for the host came in there."""
    entries = () if isinstance(way.neighbours, Unknown) else way.neighbours
    wanted = (hop, interface)
    return next((one for one in entries if (one.address, one.interface) == wanted), None)


def _hop_state(
    way: WayBack, entry: Entry | None, route: Route | None, seen_here: Here | Unknown
) -> str | Unknown:
    if route is None:
        return Unknown("the way back is not known")
    if entry is None:
        return way.neighbours if isinstance(way.neighbours, Unknown) else "none"
    if entry.state in _UNRESOLVED:
        return "unresolved"
    if route.via:
        return "fixed" if entry.state == "PERMANENT" else "known"
    ours = seen_here if isinstance(seen_here, Unknown) else seen_here.mac
    if isinstance(ours, Unknown):
        return ours
    neighbour = not isinstance(seen_here, Unknown) and seen_here.via == ""
    return "wrong" if neighbour and ours and entry.mac and entry.mac != ours else "known"


def _prefix(client: str | None, addresses: Addresses | Unknown) -> str:
    """The longest of the host's networks that holds the client."""
    if client is None or isinstance(addresses, Unknown):
        return ""
    own = [f"{one.address}/{one.prefix_length}" for one in addresses.all if one.prefix_length is not None]
    holding = [each for each in own if _holds(each, client)]
    return max(holding, key=lambda each: int(each.partition("/")[2]), default="")


def _evidence(
    way: WayBack,
    client: str | None,
    route: Route | None,
    rule: str,
    rules: tuple[Rule, ...],
    entry: Entry | None,
) -> Iterator[Evidence]:
    if route is not None:
        mark = f" mark 0x{route.mark:x}" if route.mark else ""
        yield Evidence(f"ip route get {client}{mark}", route.text)
    if rule:
        yield Evidence("ip rule", rule)
    if rules:
        yield Evidence("the rules that set the mark", "\n".join(map(str, rules[:4])))
    if entry is not None:
        yield Evidence(f"ip neigh show to {entry.address}", entry.text)
    waiting = [one.text for one in _waiting(way) if one.peer == client]
    if waiting:
        yield Evidence("ss -nt state syn-recv", "\n".join(waiting[:3]))
