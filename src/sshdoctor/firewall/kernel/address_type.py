"""``-m addrtype``: what kind of address, by the host's routing table."""

from __future__ import annotations

from typing import NamedTuple

from sshdoctor.firewall.kernel.matches import has_loopback_address
from sshdoctor.firewall.kernel.segment import Segment
from sshdoctor.firewall.model import Doubt, Truth

_BY_ROUTE = frozenset(("ANYCAST", "LOCAL", "PROHIBIT", "UNREACHABLE"))


class AddressType(NamedTuple):
    """``of_source``: else the destination's; ``on_interface``: ``--limit-iface-in`` or ``-out``."""

    types: frozenset[str]
    of_source: bool
    on_interface: bool


def address_type(wanted: AddressType, segment: Segment) -> Truth:
    number = segment.source if wanted.of_source else segment.destination
    kind = _kind(number, segment)
    if kind == "UNICAST" and _is_perhaps_own(number, segment):
        return Doubt("unknown", "the host's own addresses (addrtype)")
    if kind == "LOCAL" and wanted.on_interface and wanted.types & {"LOCAL", "UNICAST"}:
        return Doubt("unknown", "which interface the address is on (addrtype)")
    if segment.family == "ipv4":
        return kind in wanted.types
    return _ipv6(kind, wanted.types)


def _is_perhaps_own(number: int, segment: Segment) -> bool:
    to = segment.connection.redirected_to
    return to is not None and to[0] == number and not segment.packet.local_addresses


def _ipv6(kind: str, types: frozenset[str]) -> bool:
    """xt_addrtype.c, match_type6: UNICAST is a property of the address itself, so LOCAL ones have it too."""
    unicast = kind in ("LOCAL", "UNICAST")
    if ("MULTICAST" in types and kind != "MULTICAST") or ("UNICAST" in types and not unicast):
        return False
    if "UNSPEC" in types and kind != "UNSPEC":
        return False
    return kind in types & _BY_ROUTE if types & _BY_ROUTE else True


def _kind(number: int, segment: Segment) -> str:
    """The type of one end: this host's end is LOCAL; the client's is UNICAST, or no reply would reach it."""
    if number in segment.own or has_loopback_address(number, segment):
        return "LOCAL"
    if number == 0:
        return "UNSPEC"
    if segment.family == "ipv4":
        if number == 0xFFFFFFFF:
            return "BROADCAST"
        return "MULTICAST" if number >> 28 == 0xE else "UNICAST"
    return "MULTICAST" if number >> 120 == 0xFF else "UNICAST"
