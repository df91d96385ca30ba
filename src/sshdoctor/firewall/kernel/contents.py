"""``-m string``: whether a text can stand in a packet of the conversation.

The match looks at the whole IP packet from ``--from`` on, headers included (xt_string.c, skb_find_text).
"""

from __future__ import annotations

from typing import NamedTuple

from sshdoctor.firewall.kernel.segment import TCP, Segment
from sshdoctor.firewall.kernel.spans import header_length, longest_headers
from sshdoctor.firewall.model import Doubt, Truth

_CHANCE = 4
"""So many bytes that change with every connection (sequence numbers, checksums) hold a given text once in
four thousand million times: that is never."""

_DATA = Doubt("depends", "what is said in the connection (string)")
_HEADERS = Doubt("depends", "the bytes of the headers (string)")

_Byte = int | None


class Pattern(NamedTuple):
    text: bytes
    first: int = 0
    last: int = 65535
    any_case: bool = False


def holds_text(pattern: Pattern, segment: Segment) -> Truth:
    """Whether the packet holds the text; a Doubt where the bytes are not known."""
    if segment.protocol != TCP:
        return _HEADERS
    if segment.payload is not None:
        said = segment.payload.lower() if pattern.any_case else segment.payload
        wanted = pattern.text.lower() if pattern.any_case else pattern.text
        anywhere = pattern.first <= header_length(segment) + 20 and pattern.last == 65535
        return True if wanted in said and anywhere else _DATA
    if pattern.first + len(pattern.text) > longest_headers(segment):
        return False
    return _HEADERS if _may_stand_in_headers(pattern, segment) else False


def _may_stand_in_headers(pattern: Pattern, segment: Segment) -> bool:
    """Printable text can only stand between the IP header's checksum and TCP's header length, where every
    other byte around it is none, or in TCP's options, where nothing printable stands but chance."""
    text = pattern.text.lower() if pattern.any_case else pattern.text
    if len(text) < _CHANCE or not all(0x20 <= byte < 0x7F for byte in text):
        return True
    run = _run(segment)
    starts = range(len(run) - len(text) + 1)
    return any(_fits(text, run[start : start + len(text)], pattern.any_case) for start in starts)


def _run(segment: Segment) -> list[_Byte]:
    """The bytes from the IP header's checksum (IPv4) or addresses to TCP's data offset; None: by chance."""
    size = 4 if segment.family == "ipv4" else 16
    run: list[_Byte] = [None, None] if size == 4 else []
    for address in (segment.source, segment.destination):
        run += [None] * size if segment.picked else address.to_bytes(size)
    for port in (segment.source_port, segment.destination_port):
        run += [None, None] if port is None else port.to_bytes(2)
    return [*run, *[None] * 9]


def _fits(text: bytes, place: list[_Byte], any_case: bool) -> bool:
    chance = sum(byte is None for byte in place)
    return chance < _CHANCE and all(
        byte is None or byte == wanted or (any_case and bytes([byte]).lower()[0] == wanted)
        for byte, wanted in zip(place, text, strict=True)
    )


def hex_text(text: str) -> bytes:
    """``--hex-string``: bytes in hexadecimal between bars.

    >>> hex_text("SSH|2d 32|.0")
    b'SSH-2.0'
    """
    parts = enumerate(text.split("|"))
    return b"".join(bytes.fromhex(part) if place % 2 else part.encode() for place, part in parts)
