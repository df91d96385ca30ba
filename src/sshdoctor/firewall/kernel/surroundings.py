"""Matches on what is around a packet: sockets, bridges, IPsec, countries, network cards.

Sources: xt_socket.c, xt_physdev.c, xt_policy.c, xt_mac.c of the kernel; xt_geoip(8) of xtables-addons.
"""

from __future__ import annotations

from typing import NamedTuple

from sshdoctor.firewall.iptables.option import Maker, Options, named
from sshdoctor.firewall.kernel import matches as judge
from sshdoctor.firewall.kernel.segment import SYN, TCP, Segment, to_text
from sshdoctor.firewall.model import Doubt, Match, Truth
from sshdoctor.model import Family

IPSEC = Doubt("unknown", "whether the connection comes through IPsec")
CARD = Doubt("unknown", "the hardware address of the client, or of the router before it")
_SOCKET = Doubt("unknown", "which socket the packet finds (socket)")


def socket(any_listener: bool, segment: Segment) -> Truth:
    """Whether the host has a socket for the packet. One that listens on every address only counts where
    ``any_listener`` is asked for; once the SYN is answered there is one of this connection."""
    if segment.sender != "client" or segment.protocol != TCP:
        return _SOCKET
    translated = segment.connection.redirected_to is not None and segment.hook != "input"
    if segment.flags != SYN:
        return _SOCKET if translated else True
    if segment.hook != "input":
        return _SOCKET
    if any_listener:
        return True
    everywhere = segment.packet.listens_everywhere
    return _SOCKET if everywhere is None else not everywhere


EVERYWHERE = Doubt("unknown", "whether the server listens on every address (socket)")


def listens_everywhere(segment: Segment) -> int | Doubt | None:
    """nft's ``socket wildcard``. Measured: the ACK of the handshake finds no whole socket (nft_socket.c), the
    one of the banner does; here they are one."""
    if segment.sender != "client" or segment.protocol != TCP or segment.hook != "input":
        return _SOCKET
    if segment.flags != SYN:
        return _SOCKET if segment.payload is None else 0
    everywhere = segment.packet.listens_everywhere
    return EVERYWHERE if everywhere is None else int(everywhere)


def is_transparent(segment: Segment) -> int | Doubt | None:
    """nft's ``socket transparent``: no server's own socket is (IP_TRANSPARENT)."""
    found = listens_everywhere(segment)
    return found if isinstance(found, Doubt) and found is not EVERYWHERE else 0


def on_bridge(option: str, segment: Segment) -> Truth:
    """A packet to or from the host itself is not bridged, but it may have come in through a bridge's port."""
    if segment.sender == "server" or option == "--physdev-is-bridged" or option.endswith("out"):
        return False
    if segment.in_interface == "lo" or segment.packet.bridged is False:
        return False
    return Doubt("unknown", "whether the packet came through a bridge (physdev)")


def is_secure(none: bool, segment: Segment) -> Truth:
    """``policy --pol none``, or another policy."""
    return none if segment.packet.ipsec is False or segment.in_interface == "lo" else IPSEC


class Ends(NamedTuple):
    """Which end's country is asked for, and what it is compared with."""

    of_source: bool
    countries: str


def country(asked: Ends, segment: Segment) -> Truth:
    """Private addresses are in no country."""
    number = segment.source if asked.of_source else segment.destination
    text = to_text(number, segment.family)
    if not segment.picked and any(number >> shift == start for shift, start in _PRIVATE[segment.family]):
        return False
    return Doubt("depends", f"the country that the host's database gives for {text} (geoip)")


_PRIVATE: dict[Family, tuple[tuple[int, int], ...]] = {
    "ipv4": ((24, 10), (20, 0xAC1), (16, 0xC0A8), (16, 0xA9FE), (24, 127)),
    "ipv6": ((121, 0xFC >> 1), (118, 0xFE80 >> 6), (0, 1)),
}
"""How far to shift, and what is left then: RFC 1918, 3927, 4193, 4291."""


def physical_address(_: object, segment: Segment) -> Truth:
    return CARD


def _socket(options: Options, family: Family) -> list[Match]:
    given = {option.name for option in options}
    if "--transparent" in given:
        return [Match(judge.always, False)]  # no server's own socket is
    return [Match(socket, "--nowildcard" in given)]


def _physdev(options: Options, family: Family) -> list[Match]:
    return [Match(on_bridge, option.name, option.negated) for option in options]


def _policy(options: Options, family: Family) -> list[Match]:
    kind = named(options, "--pol")
    return [Match(is_secure, kind is not None and kind.value == "none")]


def _geoip(options: Options, family: Family) -> list[Match]:
    sides = {"--src-cc": True, "--source-country": True, "--dst-cc": False, "--destination-country": False}
    return [Match(country, Ends(sides[o.name], o.value), o.negated) for o in options]


def _mac(options: Options, family: Family) -> list[Match]:
    """``lo`` has no such addresses: there the match fails, negated or not (xt_mac.c)."""
    addresses = [Match(physical_address, None, option.negated) for option in options]
    return [Match(judge.in_interface, "lo", True), *addresses]


SURROUNDINGS: dict[str, Maker] = {
    "socket": _socket,
    "physdev": _physdev,
    "policy": _policy,
    "geoip": _geoip,
    "mac": _mac,
}
