"""Whether a banned address is stopped at each port and family by which the service is reached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from msgspec.structs import replace

from sshdoctor.diagnosis.derived.path import dumps
from sshdoctor.facts.host.addresses import Addresses
from sshdoctor.facts.host.firewall import Firewall
from sshdoctor.facts.parsing.sockets import Listeners
from sshdoctor.facts.protection.engines import Jail
from sshdoctor.firewall import Packet, RulesError, judge
from sshdoctor.firewall.established import stops_established
from sshdoctor.model import Reply, Unknown
from sshdoctor.protection.imagined import NoBanError, banned
from sshdoctor.protection.state import Door

STRANGER: Mapping[str, str] = {"ipv4": "192.0.2.213", "ipv6": "2001:db8:5d0c::213"}
"""Of documentation prefixes: nobody's."""


def ways(
    replies: Sequence[Reply], listeners: Listeners | Unknown, addresses: Addresses | Unknown
) -> Iterator[Packet]:
    """One packet for each port and family by which the service is reached."""
    if isinstance(addresses, Unknown):
        return
    dialled = {(r.family, r.port): r.address for r in replies if r.source_port is not None}
    own = () if isinstance(listeners, Unknown) or isinstance(listeners.own, Unknown) else listeners.own
    for each in own:
        both = each.family == "ipv6" and each.address in ("::", "*") and each.v6only is False
        for family in ("ipv4", "ipv6") if both else (each.family,):
            address = _address(family, each.address, replies, addresses)
            if address is not None:
                dialled.setdefault((family, each.port), address)
    for (family, port), address in sorted(dialled.items(), key=str):
        yield Packet(
            family=family,  # type: ignore[arg-type]  # a family's own word
            source=STRANGER[str(family)],
            destination=str(address).split("%")[0],
            destination_port=port,
            in_interface=addresses.dialled_interface or None,
            out_interface=addresses.return_interface or None,
            local_addresses=addresses.all_addresses,
        )


def _address(family: str, bound: str, replies: Sequence[Reply], addresses: Addresses) -> str | None:
    """An address of the host's by which a listener is reached from outside; None if there is none."""
    if not ip_address(bound).is_unspecified:
        return None if ip_address(bound).is_loopback else bound
    met = [r.address for r in replies if r.family == family and r.address in addresses.all_addresses]
    outer = (
        each.address
        for each in addresses.all
        if (":" in each.address) == (family == "ipv6") and _is_outer(each.interface, each.address)
    )
    return met[0] if met else next(outer, None)


def _is_outer(interface: str, address: str) -> bool:
    parsed = ip_address(address)
    return not (parsed.is_loopback or parsed.is_link_local or interface.startswith(("docker", "br-", "veth")))


class Audit:
    """The doors as they stand now, and after the next failure; ``why`` gathers what is wrong with them."""

    def __init__(self, firewall: Firewall, jails: Sequence[Jail], tools: tuple[str, ...]) -> None:
        self._firewall, self._jails, self._tools = firewall, jails, tools
        self.why: list[str] = []

    def door(self, packet: Packet) -> Door:
        """Now: by an address that is banned, or else by one that would be."""
        held = next((a for jail in self._jails for a in jail.banned if _is_of(a, packet.family)), None)
        if held is None:
            return self._next(packet)
        banned_one = replace(packet, source=held.split("/")[0])
        door = self._judged(self._firewall, banned_one, "is banned")
        if door.stops_new is not True:
            self.why += self._hindered(packet)
        return door

    def _hindered(self, packet: Packet) -> list[str]:
        """Why the actions stop nobody, whoever is banned."""
        found = []
        for jail in self._jails:
            for action in jail.actions.values():
                try:
                    banned(self._firewall, action, packet.source, self._tools)
                except NoBanError as error:
                    found.append(str(error))
        return found

    def after(self, packet: Packet) -> Door:
        """After the next failure of somebody who is not banned yet."""
        silent = Audit(self._firewall, self._jails, self._tools)
        return silent._next(packet)

    def _next(self, packet: Packet) -> Door:
        reasons: list[str] = []
        stops: list[Door] = []
        for jail in self._jails:
            for action in jail.actions.values():
                try:
                    rules = banned(self._firewall, action, packet.source, self._tools)
                except NoBanError as error:
                    reasons.append(str(error))
                    stops.append(_door(packet, None, False, False))
                    continue
                if isinstance(rules, Unknown):
                    reasons.append(f"bans_stop_packets: {rules.reason}")
                    stops.append(_door(packet, None, None, None))
                    continue
                stops.append(self._judged(rules, packet, "would be banned"))
        best = max(stops, key=lambda door: (door.stops_new is True, door.stops_new is None), default=None)
        if best is None:
            self.why.append("bans_stop_packets: the jail has no action")
            return _door(packet, None, False, False)
        if best.stops_new is not True:
            self.why += reasons
        return best

    def _judged(self, rules: Firewall, packet: Packet, what: str) -> Door:
        try:
            verdict = judge(dumps(rules), packet)
            to = verdict.redirected_to
            stands = stops_established(dumps(rules), packet, to)
        except (RulesError, ValueError, KeyError):  # their words may have addresses of others in them
            self.why.append("bans_stop_packets: the rules of the firewall cannot be followed")
            return _door(packet, None, None, None)
        known: Any = {"accept": False, "drop": True, "reject": True}
        stops = known.get(verdict.state)
        away = to is not None and to[0] not in (packet.destination, *packet.local_addresses)
        if stops is False:
            self.why.append(_told(verdict, packet, what, to, away))
        return _door(packet, "forward" if away else "input", stops, stands)


def _told(verdict: Any, packet: Packet, what: str, to: tuple[str, int] | None, away: bool) -> str:
    at = f"port {packet.destination_port} over {packet.family}"
    if away and to:
        return (
            f"an address that {what} still comes in at {at}: a rule in {verdict.redirected_by.chain} sends it on to port "
            f"{to[1]} of a container, and chain INPUT is never passed. chain = DOCKER-USER, port = {to[1]}"
        )
    rule = f": {verdict.rule}" if verdict.rule else ", no rule stops it"
    rule = rule.replace(packet.source, "ADDRESS")
    return (
        f"an address that {what} still comes in at {at}{rule}. Put the ban first (restart fail2ban after the "
        f"firewall), and give the jail port = {packet.destination_port}"
    )


def _door(packet: Packet, path: str | None, new: bool | None, established: bool | None) -> Door:
    return Door(
        service="ssh",
        port=packet.destination_port,
        family=packet.family,
        path=path,
        stops_new=new,
        stops_established=established,
    )


def _is_of(element: str, family: str) -> bool:
    return (":" in element) == (family == "ipv6")
