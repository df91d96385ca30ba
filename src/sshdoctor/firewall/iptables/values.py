"""Values as iptables writes them: addresses, networks, ports, marks, flags. ValueError for any other."""

from __future__ import annotations

import socket
from functools import lru_cache

from sshdoctor.errors import UsageError
from sshdoctor.firewall.kernel.segment import to_number
from sshdoctor.model import Family

_FLAGS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32, "NONE": 0, "ALL": 63}
_PROTOCOLS = {
    "tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58, "ipv6-icmp": 58, "igmp": 2, "esp": 50, "ah": 51,
    "sctp": 132, "udplite": 136, "dccp": 33, "gre": 47, "ipencap": 4, "ospf": 89, "vrrp": 112,
}  # fmt: skip


def address(text: str, family: Family) -> int:
    try:
        return to_number(text, family)
    except UsageError as error:
        raise ValueError(str(error)) from None


def network(text: str, family: Family) -> tuple[int, int]:
    """Address and mask; the mask as a length or written out, contiguous or not.

    >>> network("10.0.0.0/8", "ipv4")
    (167772160, 4278190080)
    """
    base, _, length = text.partition("/")
    bits = 32 if family == "ipv4" else 128
    mask = (1 << bits) - 1
    if length.isdigit():
        if int(length) > bits:
            raise ValueError(f"/{length} is no prefix length")
        mask -= (1 << (bits - int(length))) - 1
    elif length:
        mask = address(length, family)
    return address(base, family) & mask, mask


def networks(text: str, family: Family) -> tuple[tuple[int, int], ...]:
    return tuple(network(part, family) for part in text.split(","))


def address_range(text: str, family: Family) -> tuple[tuple[int, int], ...]:
    low, _, high = text.partition("-")
    return ((address(low, family), address(high or low, family)),)


@lru_cache(maxsize=1024)
def ports(text: str) -> tuple[tuple[int, int], ...]:
    """Ports, ranges with ``:``, and lists.

    >>> ports("22,8000:8100,:1023")
    ((22, 22), (8000, 8100), (0, 1023))
    """
    ranges = []
    for part in text.split(","):
        low, colon, high = part.partition(":")
        first = _port(low) if low else 0
        ranges.append((first, (_port(high) if high else 65535) if colon else first))
    return tuple(ranges)


def _port(text: str) -> int:
    if text.isdigit():
        return number(text, 65535)
    try:
        return socket.getservbyname(text)
    except (OSError, UnicodeError):
        raise ValueError(f"{text!r} is no port") from None


def number(text: str, highest: int = 2**32 - 1) -> int:
    """A number, in hexadecimal with ``0x``.

    >>> number("0xff")
    255
    """
    value = int(text, 0) if text[:1].isdigit() and text.isascii() else -1
    if not 0 <= value <= highest:
        raise ValueError(f"{text!r} is no number from 0 to {highest}")
    return value


def mark_and_mask(text: str) -> tuple[int, int]:
    value, slash, mask = text.partition("/")
    return number(value), number(mask) if slash else 2**32 - 1


def number_range(text: str, separator: str = "-") -> tuple[int, int]:
    low, _, high = text.partition(separator)
    return number(low), number(high or low)


def flags(text: str) -> int:
    """
    >>> flags("SYN,ACK")
    18
    """
    value = 0
    for name in text.split(","):
        if name.upper() not in _FLAGS:
            raise ValueError(f"{name!r} is no TCP flag")
        value |= _FLAGS[name.upper()]
    return value


@lru_cache(maxsize=256)
def protocol(text: str) -> int:
    """The protocol's number; 0 is every protocol."""
    known = _PROTOCOLS.get(text.lower())
    if known is not None:
        return known
    if text in ("all", "0"):
        return 0
    if text.isdigit():
        return number(text, 255)
    try:
        return socket.getprotobyname(text)
    except (OSError, UnicodeError):
        raise ValueError(f"{text!r} is no protocol") from None


_ICMP_NAMES: dict[Family, dict[str, str]] = {
    "ipv4": {
        "any": "-1", "echo-reply": "0", "pong": "0", "destination-unreachable": "3",
        "network-unreachable": "3/0",
        "host-unreachable": "3/1", "protocol-unreachable": "3/2", "port-unreachable": "3/3",
        "fragmentation-needed": "3/4", "network-prohibited": "3/9", "host-prohibited": "3/10",
        "communication-prohibited": "3/13", "source-quench": "4", "redirect": "5", "echo-request": "8",
        "ping": "8", "time-exceeded": "11", "parameter-problem": "12",
    },
    "ipv6": {
        "destination-unreachable": "1", "no-route": "1/0", "communication-prohibited": "1/1",
        "address-unreachable": "1/3", "port-unreachable": "1/4", "packet-too-big": "2", "time-exceeded": "3",
        "parameter-problem": "4", "echo-request": "128", "echo-reply": "129", "router-solicitation": "133",
        "router-advertisement": "134", "neighbour-solicitation": "135", "neighbor-solicitation": "135",
        "neighbour-advertisement": "136", "neighbor-advertisement": "136", "redirect": "137",
    },
}  # fmt: skip


def icmp_types(text: str, family: Family) -> tuple[int, int, int]:
    """Type, first and last code; the type is -1 for any.

    >>> icmp_types("port-unreachable", "ipv4"), icmp_types("3", "ipv4")
    ((3, 3, 3), (3, 0, 255))
    """
    kind, slash, code = _ICMP_NAMES[family].get(text, text).partition("/")
    if kind == "-1" or (kind == "255" and family == "ipv4"):
        return -1, 0, 255
    first = number(code, 255) if slash else 0
    return number(kind, 255), first, first if slash else 255
