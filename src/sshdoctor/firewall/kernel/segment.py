"""A packet of the conversation as netfilter sees it on its way through the hooks."""

from __future__ import annotations

import socket
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.errors import UsageError
from sshdoctor.firewall.model import Packet
from sshdoctor.model import Family

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
TCP, ICMP, ICMPV6 = 6, 1, 58

Party = Literal["client", "server"]


class Connection(Struct, frozen=True):
    """What conntrack remembers. ``originator`` is None as long as there is no entry.

    A connection whose first packet conntrack did not see (NOTRACK on one way only) is picked up in the
    middle, so the originator can be the server (nf_conntrack_tcp_loose). ``confirmed``: its first packet came
    all the way. ``bound`` has the sides, "source" and "destination", for which NAT has been asked. ``picked``
    means that REDIRECT chose the address in ``redirected_to``: it may be any of the host's.
    """

    originator: Party | None = None
    replied: bool = False
    confirmed: bool = False
    assured: bool = False
    bound: frozenset[str] = frozenset()
    mark: int | None = 0
    redirected_to: tuple[int, int] | None = None
    picked: bool = False
    zoned: bool = False
    labels: frozenset[str | None] = frozenset()
    """None stands for one that is not known."""


class Segment(Struct, frozen=True, kw_only=True):
    """Addresses are integers; a port, mark or interface that is None is not known; no interface is "".

    ``state`` is what ``-m conntrack --ctstate`` sees; before conntrack's own hook (raw) it is INVALID.
    """

    packet: Packet
    own: frozenset[int]
    """The host's addresses."""
    sender: Party
    family: Family
    protocol: int = TCP
    flags: int = SYN
    icmp: tuple[int, int] | None = None
    source: int
    destination: int
    source_port: int | None
    destination_port: int | None
    in_interface: str | None
    out_interface: str | None
    mark: int | None = 0
    state: str = "INVALID"
    untracked: bool = False
    payload: bytes | None = None
    """What its data begins with, as far as that is known; None if it carries none."""
    tos: tuple[int, int] = (0, 0)
    """The byte that DSCP and ECN share: the bits that are known, and which these are."""
    hops: int | None = None
    """TTL or hop limit, None if it is not known."""
    picked: bool = False
    """The host's end is an address that REDIRECT has picked."""
    attached: bool = False
    """A refusal of a packet that conntrack or NOTRACK had seen: it carries that along."""
    hook: str = ""
    connection: Connection = Connection()


def to_number(address: str, family: Family) -> int:
    """The address as an integer. Raises UsageError.

    >>> to_number("0.0.1.2", "ipv4")
    258
    """
    kind = socket.AF_INET if family == "ipv4" else socket.AF_INET6
    try:
        return int.from_bytes(socket.inet_pton(kind, address))
    except (OSError, ValueError):
        raise UsageError(f"{address!r} is no {family} address") from None


def to_text(number: int, family: Family) -> str:
    """The address as text.

    >>> to_text(258, "ipv4")
    '0.0.1.2'
    """
    kind, size = (socket.AF_INET, 4) if family == "ipv4" else (socket.AF_INET6, 16)
    return socket.inet_ntop(kind, number.to_bytes(size))


def first_segment(packet: Packet) -> Segment:
    """The client's SYN as it enters the host. Raises UsageError for an address that is none."""
    destination = to_number(packet.destination, packet.family)
    others = (to_number(a, packet.family) for a in packet.local_addresses if (":" in a) == _six(packet))
    return Segment(
        packet=packet,
        own=frozenset((destination, *others)),
        sender="client",
        family=packet.family,
        source=to_number(packet.source, packet.family),
        destination=destination,
        source_port=packet.source_port,
        destination_port=packet.destination_port,
        in_interface=packet.in_interface,
        out_interface="",
    )


def _six(packet: Packet) -> bool:
    return packet.family == "ipv6"


def from_client(last: Segment, flags: int, *, payload: bytes | None = None) -> Segment:
    """The client's next packet on the connection that ``last`` belongs to."""
    fresh = first_segment(last.packet)
    return replace(fresh, flags=flags, payload=payload, connection=last.connection)


def from_server(last: Segment, flags: int, *, payload: bytes | None = None) -> Segment:
    """The listener's next packet, from the address and port where the connection really ended."""
    fresh = first_segment(last.packet)
    address, port = last.connection.redirected_to or (fresh.destination, last.packet.destination_port)
    return replace(
        fresh,
        sender="server",
        source=address,
        source_port=port,
        destination=fresh.source,
        destination_port=fresh.source_port,
        in_interface="",
        out_interface=last.packet.out_interface,
        flags=flags,
        payload=payload,
        picked=last.connection.picked,
        connection=last.connection,
    )
