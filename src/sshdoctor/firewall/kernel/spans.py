"""What is only known to lie between two numbers: the length of a packet, the hops that it has left."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sshdoctor.firewall.kernel.segment import RST, TCP, Segment
from sshdoctor.firewall.model import Doubt, Truth

HOPS = Doubt("depends", "how many hops the packet has left")
LENGTH = Doubt("depends", "the packet's length")
_DISCOVERY = 133
"""The first of ICMPv6's types for neighbour discovery (RFC 4861)."""
FAR = 32
"""Hops within which any host of the Internet is reached; traceroute(8) gives up after 30."""


class Span(NamedTuple):
    """A number from ``low`` to ``high``; ``doubt`` is what it depends on."""

    low: int
    high: int
    doubt: Doubt


def span_within(ranges: Iterable[tuple[int, int]], span: Span) -> Truth:
    """Whether one of ``ranges`` holds the number.

    >>> size = Span(40, 120, LENGTH)
    >>> span_within([(0, 1500)], size), span_within([(0, 39)], size), span_within([(0, 60)], size) is LENGTH
    (True, False, True)
    """
    doubt: Doubt | None = None
    for low, high in ranges:
        if low <= span.low and span.high <= high:
            return True
        if low <= span.high and span.low <= high:
            doubt = span.doubt
    return doubt or False


def header_length(segment: Segment) -> int:
    """The length of the IP header without options."""
    return 20 if segment.family == "ipv4" else 40


def length(segment: Segment) -> Span:
    """The length of the IP packet (RFC 791, 8200 and 9293).

    A REJECT's RST has no options; its ICMP error quotes the packet, up to 576 and 1280 bytes
    (nf_reject_ipv4.c, icmp_send).
    """
    ip = header_length(segment)
    if segment.icmp is not None and segment.icmp[0] >= _DISCOVERY:
        return Span(ip + 16, 1280, LENGTH)
    if segment.protocol != TCP:
        return Span(ip + 8 + ip, 576 if segment.family == "ipv4" else 1280, LENGTH)
    if segment.flags & RST:
        return Span(ip + 20, ip + 20, LENGTH)
    if segment.payload is not None:
        return Span(ip + 21, 2**32, LENGTH)
    return Span(ip + 20, longest_headers(segment), LENGTH)


def longest_headers(segment: Segment) -> int:
    """IP and TCP headers with all the options that they have room for."""
    return 120 if segment.family == "ipv4" else 240


def hops(segment: Segment) -> Span:
    """TTL, or IPv6's hop limit: what a rule has set, or else anything."""
    if segment.hops is None:
        return Span(1, 255, HOPS)  # none is delivered with 0
    return Span(segment.hops, segment.hops, HOPS)
