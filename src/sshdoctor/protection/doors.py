"""Whether a banned address is stopped at each port and family by which a service is reached."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from ipaddress import ip_address, ip_interface
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.diagnosis.derived.path import dumps
from sshdoctor.facts.host.addresses import Addresses
from sshdoctor.facts.host.firewall import Firewall
from sshdoctor.facts.parsing.sockets import Listener
from sshdoctor.firewall import Packet, RulesError, judge
from sshdoctor.firewall.established import stops_established
from sshdoctor.model import Family, Unknown
from sshdoctor.protection.books import Book
from sshdoctor.protection.imagined import NoBanError
from sshdoctor.protection.state import Door

STRANGER: Mapping[str, str] = {"ipv4": "192.0.2.213", "ipv6": "2001:db8:5d0c::213"}
"""Of documentation prefixes: nobody's."""
_FAMILIES: tuple[Family, ...] = ("ipv4", "ipv6")
_DIALLED = re.compile(r" --dport (\d+) ")
_BEHIND = re.compile(r" -j DNAT --to-destination [\d.]+:22\b")


class Way(Struct, frozen=True):
    """One port and family by which a service is reached, as a stranger's first packet."""

    service: str
    packet: Packet


def ways(
    service: str,
    dialled: Mapping[tuple[Family, int], str],
    listeners: Sequence[Listener],
    addresses: Addresses,
) -> Iterator[Way]:
    """Those that were ``dialled`` (with the address), and by which ``listeners`` are reached from outside."""
    found = dict(dialled)
    for each in listeners:
        both = each.family == "ipv6" and each.address in ("::", "*") and each.v6only is False
        for family in _FAMILIES if both else (each.family,):
            address = _address(family, each.address, dialled, addresses)
            if address is not None:
                found.setdefault((family, each.port), address)
    for (family, port), address in sorted(found.items()):
        yield Way(service, packet(family, port, address, addresses))


def behind(firewall: Firewall) -> tuple[int, ...]:
    """Ports that are sent on to port 22 of another address: a daemon in a container."""
    lines = (line for dump in firewall.dumps if dump.family == "ipv4" for line in dump.text.splitlines())
    sent = (line for line in lines if " -p tcp " in line and _BEHIND.search(line))
    return tuple(dict.fromkeys(int(found[1]) for line in sent if (found := _DIALLED.search(line))))


def packet(family: Family, port: int, address: str, addresses: Addresses) -> Packet:
    return Packet(
        family=family,
        source=STRANGER[family],
        destination=address.split("%")[0],
        destination_port=port,
        in_interface=addresses.dialled_interface or addresses.return_interface or None,
        out_interface=addresses.return_interface or None,
        local_addresses=addresses.all_addresses,
        networks=tuple(_networks(family, addresses)),
    )


def _networks(family: Family, addresses: Addresses) -> Iterator[tuple[str, str]]:
    for each in addresses.all:
        if (":" in each.address) == (family == "ipv6") and each.prefix_length is not None:
            yield str(ip_interface(f"{each.address}/{each.prefix_length}").network), each.interface


def outer(family: str, addresses: Addresses) -> str | None:
    """An address of the host's by which it is reached from outside, None if there is none of the family."""
    if addresses.dialled and (":" in addresses.dialled.address) == (family == "ipv6"):
        return addresses.dialled.address
    for each in addresses.all:
        inner = each.interface.startswith(("docker", "br-", "veth", "virbr", "podman"))
        parsed = ip_address(each.address)
        if (parsed.version == 6) == (family == "ipv6") and not (
            parsed.is_loopback or parsed.is_link_local or inner
        ):
            return each.address
    return None


def _address(
    family: Family, bound: str, dialled: Mapping[tuple[Family, int], str], addresses: Addresses
) -> str | None:
    """The address at which a listener is reached from outside; None if there is none."""
    if bound != "*" and not ip_address(bound).is_unspecified:
        return None if ip_address(bound).is_loopback else bound
    met = [address for (own, _), address in dialled.items() if own == family]
    return met[0] if met else outer(family, addresses)


class Audit:
    """The doors as they stand now, and after the next failure; ``why`` gathers what is wrong with them.

    ``unanswered``: who gets no answer whatever the rules do, by a route or by hosts.deny.
    """

    def __init__(self, firewall: Firewall, books: Sequence[Book], unanswered: Collection[str] = ()) -> None:
        self._firewall, self._books, self._unanswered = firewall, books, unanswered
        self.why: list[str] = []

    def door(self, way: Way) -> Door:
        """Now: by those who are banned, or else by one who would be."""
        held = [address.split("/")[0] for book in self._books for address in book.of(way.packet.family)]
        held = [address for address in held if address not in way.packet.local_addresses]
        if not held:
            return self._next(way)
        worst = min((self._held(way, address) for address in held), key=_rank)
        if worst.stops_new is not True:
            silent = Audit(self._firewall, self._books)
            after = silent._next(way)
            self.why += [text for text in silent.why if "comes in at" not in text]
            if after.stops_new is None and after.path is None:  # by something else than rules, perhaps
                return replace(worst, stops_new=None, stops_established=None)
        return worst

    def _held(self, way: Way, address: str) -> Door:
        if address in self._unanswered:
            return _door(way, "input", True, True)
        return self._judged(self._firewall, way, replace(way.packet, source=address), "is banned")

    def after(self, way: Way) -> Door:
        """After the next failure of somebody who is not banned yet."""
        return Audit(self._firewall, self._books)._next(way)

    def _next(self, way: Way) -> Door:
        reasons: list[str] = []
        doors: list[Door] = []
        for ban in (each for book in self._books for each in book.bans):
            try:
                rules = ban(self._firewall, way.packet.source)
            except NoBanError as error:
                reasons.append(str(error))
                doors.append(_door(way, None, False, False))
                continue
            if isinstance(rules, Unknown):
                reasons.append(f"bans_stop_packets: {rules.reason}")
                doors.append(_door(way, None, None, None))
                continue
            doors.append(self._judged(rules, way, way.packet, "would be banned"))
        if not doors:
            self.why.append("what notices failures has no action: nobody is stopped")
            return _door(way, None, False, False)
        best = max(doors, key=_rank)
        if best.stops_new is not True:
            self.why += reasons
        return best

    def _judged(self, rules: Firewall, way: Way, packet: Packet, what: str) -> Door:
        try:
            verdict = judge(dumps(rules), packet)
            to = verdict.redirected_to
            stands = stops_established(dumps(rules), packet, to)
        except (RulesError, ValueError, KeyError):  # their words may have addresses of others in them
            self.why.append("bans_stop_packets: the rules of the firewall cannot be followed")
            return _door(way, None, None, None)
        if any(book.ends for book in self._books):
            stands = True
        known: Any = {"accept": False, "drop": True, "reject": True}
        stops = known.get(verdict.state)
        away = to is not None and to[0] not in (packet.destination, *packet.local_addresses)
        if stops is False:
            self.why.append(_told(verdict, packet, what, to, away))
        elif stops is None:
            why = verdict.why.replace(packet.source, "ADDRESS")
            self.why.append(f"bans_stop_packets: {why}")
        return _door(way, "forward" if away else "input", stops, stands)


def _rank(door: Door) -> int:
    return {True: 2, None: 1, False: 0}[door.stops_new]


def _told(verdict: Any, packet: Packet, what: str, to: tuple[str, int] | None, away: bool) -> str:
    at = f"port {packet.destination_port} over {packet.family}"
    if away and to:
        return (
            f"an address that {what} comes in at {at}: a rule in {verdict.redirected_by.chain} sends it "
            f"on to port {to[1]} of a container, past the chain INPUT. chain = DOCKER-USER, port = {to[1]}"
        )
    rule = f": {verdict.rule}" if verdict.rule else ", no rule stops it"
    rule = rule.replace(packet.source, "ADDRESS")
    port = to[1] if to else packet.destination_port
    return (
        f"an address that {what} still comes in at {at}{rule}. Put the ban first (restart what bans after "
        f"the firewall), and give the jail port = {port}"
    )


def _door(way: Way, path: str | None, new: bool | None, established: bool | None) -> Door:
    return Door(
        service=way.service,
        port=way.packet.destination_port,
        family=way.packet.family,
        path=path,
        stops_new=new,
        stops_established=established,
    )
