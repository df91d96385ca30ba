"""Small values that all others are made of."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address, ip_network

from msgspec import Struct


def endpoint(address: str | None, port: int) -> str:
    """``address:port``, the address in brackets if it is one of IPv6.

    >>> endpoint("192.0.2.7", 80), endpoint("2001:db8::7", 80)
    ('192.0.2.7:80', '[2001:db8::7]:80')
    """
    return f"[{address}]:{port}" if ":" in (address or "") else f"{address}:{port}"


def is_address(text: str) -> bool:
    """Whether ``text`` is an IP address, with a zone or without.

    >>> is_address("fe80::1%eth0"), is_address("web1")
    (True, False)
    """
    try:
        ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


_MAIL_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}")


def is_mail_address(text: str) -> bool:
    """Whether ``text`` is one as HTML's fields of the type ``email`` take it: no name, no brackets.

    >>> is_mail_address("ann@example.org"), is_mail_address("Ann <ann@example.org>")
    (True, False)
    """
    return _MAIL_ADDRESS.fullmatch(text) is not None


def plain_address(text: str) -> str:
    """The address without brackets and scope, an IPv4 one that a socket of both families shows as itself;
    "" if it is none.

    >>> plain_address("[::ffff:198.51.100.1]"), plain_address("*")
    ('198.51.100.1', '')
    """
    try:
        found = ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return ""
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped or found)


def is_network(text: str) -> bool:
    """Whether ``text`` is an address or a network, with bits of a host in it or without.

    >>> is_network("192.0.2.7/24"), is_network("web1")
    (True, False)
    """
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


class Secret:
    """A password that no ``repr``, ``str``, log or traceback shows.

    >>> Secret("hunter2")
    Secret('***')
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


class Unknown(Struct, frozen=True):
    """Something that could not be seen. ``reason`` is a phrase such as "not permitted"."""

    reason: str

    def __bool__(self) -> bool:
        raise TypeError(f"an unknown is neither true nor false: {self.reason}")


class Command(str):
    """Text for a person to type: whatever in it is not our own is quoted for the shell already."""

    __slots__ = ()


class Evidence(Struct, frozen=True):
    """Lines that a person could see for themselves, and the command that shows them."""

    source: str
    text: str
