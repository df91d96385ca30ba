"""IP addresses in running text, however they are spelled: ``192.0.2.7.22``, ``[::ffff:192.0.2.7]:22``."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address

_IPV4 = re.compile(r"(?<!\d)(?:\d{1,3}\.){3}\d{1,3}(?!\d)")
_ANY_AND_PORT = re.compile(r":::\d{1,5}")
"""As netstat has it: any address, and a port."""
_LONGEST = len("0000:0000:0000:0000:0000:ffff:255.255.255.255")

Address = IPv4Address | IPv6Address


def read(text: str) -> Address | None:
    """The address that ``text`` spells, an IPv4 one also where it is mapped into IPv6; None if it is none.

    >>> read("::ffff:192.0.2.7"), read("192.0.2.007"), read("1:2:3")
    (IPv4Address('192.0.2.7'), IPv4Address('192.0.2.7'), None)
    """
    if _IPV4.fullmatch(text):
        text = ".".join(str(int(part)) for part in text.split("."))
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address


def is_common(address: Address) -> bool:
    """The same on every machine: loopback, or unspecified."""
    return address.is_loopback or address.is_unspecified


def split(
    text: str, known: Container[object] = (), *, after_word: bool = False, before_word: bool = False
) -> Iterator[str | tuple[str, Address]]:
    """``text``, a run of hexadecimal digits, dots and colons, as what is no address and what is one.

    Where it can be read in several ways (``2001:db8::1:22``: an address, or one with a port), one that is
    in ``known`` wins, then the longest. ``after_word`` and ``before_word``: a letter stands there, so that
    the run begins or ends with a part of a word.

    >>> [*split("192.0.2.7:22")]
    [('192.0.2.7', IPv4Address('192.0.2.7')), ':22']
    """
    if not after_word and _ANY_AND_PORT.fullmatch(text):
        yield text
        return
    place = 0
    while found := _next(text, place, known, after_word, before_word):
        start, end, address = found
        yield from _ipv4(text[place:start])
        yield text[start:end], address
        place = end
    yield from _ipv4(text[place:])


def _ipv4(text: str) -> Iterator[str | tuple[str, Address]]:
    place = 0
    for match in _IPV4.finditer(text):
        address = read(match[0])
        if address is None:
            continue
        if match.start() > place:
            yield text[place : match.start()]
        yield match[0], address
        place = match.end()
    if text[place:]:
        yield text[place:]


def _next(
    text: str, place: int, known: Container[object], after_word: bool, before_word: bool
) -> tuple[int, int, Address] | None:
    """The next IPv6 address from ``place`` on, with its start and end."""
    for first in range(place, len(text)):
        if any(_spans(text, first, place, after_word, before_word)):
            near = range(first, min(first + _LONGEST, len(text)))
            readable = [span for at in near for span in _spans(text, at, place, after_word, before_word)]
            return max(readable, key=lambda one: (one[2] in known, one[1] - one[0]))
    return None


def _spans(
    text: str, start: int, place: int, after_word: bool, before_word: bool
) -> Iterator[tuple[int, int, Address]]:
    """Every IPv6 address that begins at ``start``; ``place`` is where the last one ended."""
    if not (start == place or text[start - 1] in ":." or text[start] == ":"):
        return
    if start == 0 and after_word and text[0] != ":":
        return
    for end in range(min(start + _LONGEST, len(text)), start + 1, -1):
        whole = end == len(text)
        if whole and before_word and text[-1] != ":":
            continue
        if (whole or text[end] in ":." or text[end - 1] == ":") and (address := _ipv6(text[start:end])):
            yield start, end, address


def _ipv6(text: str) -> Address | None:
    colons = text.count(":")
    likely = colons in (6, 7) or (2 <= colons <= 8 and "::" in text)  # parsing what is none costs much more
    return read(text) if likely else None
