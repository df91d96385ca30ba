"""Neighbour discovery: what IPv6 needs besides the connection itself (RFC 4861, 4890 section 4.4.1).

The client's router, or the client on the same link, asks for the host's hardware address in ICMPv6, and asks
again every now and then. A firewall that stops this, or the answer, lets a client in only as long as the
address is remembered.
"""

from __future__ import annotations

from typing import NamedTuple

from sshdoctor.firewall.kernel.hooks import Hooks
from sshdoctor.firewall.kernel.paths import ChainPath
from sshdoctor.firewall.kernel.segment import ICMPV6, Connection, Segment, to_number
from sshdoctor.firewall.model import Hook, Packet, Rule

_SOLICITATION, _ADVERTISEMENT = (135, 0), (136, 0)
_LINK_LOCAL = 0xFE80 << 112 | 1
_SOLICITED_NODE = 0xFF02_0000_0000_0000_0000_0001_FF00_0000
"""The multicast group of the last three bytes of an address (RFC 4291, 2.7.1)."""


class _Message(NamedTuple):
    name: str
    icmp: tuple[int, int]
    inward: bool


_MESSAGES = (
    _Message("the neighbour solicitations that ask for this host", _SOLICITATION, True),
    _Message("the host's neighbour advertisements", _ADVERTISEMENT, False),
)
"""Measured: without these two nobody finds the host. What the host itself asks is not needed: it learns the
address of whoever asks for it.
"""


def neighbour_caveat(hooks: Hooks, packet: Packet) -> str:
    """The rule that stops neighbour discovery, in a sentence; "" if none surely does.

    Whoever asks may do so from a link-local address or from one of the link, and ask everybody or this host
    alone: only what is stopped in every one of these ways is told.
    """
    for message in _MESSAGES:
        rules = [_stopped_by(hooks, message, segment) for segment in _variants(message, packet)]
        if rules and rules[0] is not None and None not in rules:
            return (
                f"{message.name} are stopped by {rules[0]}: IPv6 works only while the address is remembered"
            )
    return ""


def _variants(message: _Message, packet: Packet) -> list[Segment]:
    host = to_number(packet.destination, "ipv6")
    theirs = (_LINK_LOCAL, to_number(packet.source, "ipv6"))
    asked = (host, _SOLICITED_NODE | host & 0xFFFFFF)
    if message.inward:
        return [_segment(message, packet, source, to) for source in theirs for to in asked]
    return [_segment(message, packet, host, to) for to in theirs]


def _segment(message: _Message, packet: Packet, source: int, destination: int) -> Segment:
    return Segment(
        packet=packet,
        own=frozenset((to_number(packet.destination, "ipv6"),)),
        sender="client" if message.inward else "server",
        family="ipv6",
        protocol=ICMPV6,
        flags=0,
        icmp=message.icmp,
        source=source,
        destination=destination,
        source_port=None,
        destination_port=None,
        in_interface=packet.in_interface if message.inward else "",
        out_interface="" if message.inward else packet.out_interface,
        hops=255,
        untracked=True,
        connection=Connection(),
    )


def _stopped_by(hooks: Hooks, message: _Message, segment: Segment) -> Rule | None:
    """The rule that surely stops it."""
    way: tuple[Hook, ...] = ("prerouting", "input") if message.inward else ("output", "postrouting")
    paths = [ChainPath(segment)]
    for hook in way:
        result = hooks.traverse(hook, paths)
        if not result.accepted:
            return next((stop.rule for stop in result.stops if stop.word), None)
        if result.stops:
            return None
        paths = result.accepted
    return None
