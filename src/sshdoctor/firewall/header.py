"""The first bytes of a TCP packet, for filters that look at bytes: which are known, and what they are."""

from __future__ import annotations

import ipaddress
import socket

from msgspec import Struct

from sshdoctor.model import Family

TCP = 6


class Ends(Struct, frozen=True, kw_only=True):
    """One packet of a connection, from whom to whom; a port that is None is not known."""

    family: Family
    source: str
    destination: str
    source_port: int | None = None
    destination_port: int | None = None


def opening(family: Family, client: str, host: str, port: int) -> tuple[Ends, Ends]:
    """The client's SYN, and the host's answer to it."""
    syn = Ends(family=family, source=client, destination=host, destination_port=port)
    return syn, Ends(family=family, source=host, destination=client, source_port=port)


def header(ends: Ends) -> tuple[bytes, bytes]:
    """The bytes from the beginning of the IP header, and a mask of the bits that are known in them.

    >>> ends = Ends(family="ipv4", source="192.0.2.1", destination="192.0.2.2", source_port=22)
    >>> value, known = header(ends)
    >>> value[9], value[20:22].hex(), known[20:24].hex()
    (6, '0016', 'ffff0000')
    """
    kind = socket.AF_INET if ends.family == "ipv4" else socket.AF_INET6
    addresses = b"".join(socket.inet_pton(kind, text) for text in (ends.source, ends.destination))
    if ends.family == "ipv4":  # version and length; TOS, length, id, flags and TTL are not known
        fixed, seen = bytes([0x45, *[0] * 8, TCP, 0, 0]), bytes([0xFF, *[0] * 8, 0xFF, 0, 0])
    else:
        fixed, seen = bytes([0x60, *[0] * 5, TCP, 0]), bytes([0xF0, *[0] * 5, 0xFF, 0])
    ports = [ends.source_port, ends.destination_port]
    end = b"".join((port or 0).to_bytes(2) for port in ports)
    known = b"".join((b"\0\0" if port is None else b"\xff\xff") for port in ports)
    return fixed + addresses + end, seen + b"\xff" * len(addresses) + known


def within(address: str, network: str) -> bool | None:
    """Whether ``address`` lies in ``network``; None if that is none.

    >>> within("192.0.2.7", "192.0.2.0/24"), within("192.0.2.7", "fd00::/8"), within("192.0.2.7", "x")
    (True, False, None)
    """
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return None
