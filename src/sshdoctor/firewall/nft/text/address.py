"""Where nft's NAT statements send a connection: an address, a port, a range, or what a map gives."""

from __future__ import annotations

from typing import Any

from sshdoctor.firewall.nft.text.expression import expression
from sshdoctor.firewall.nft.text.primaries import primary
from sshdoctor.firewall.nft.text.tokens import NotUnderstoodError, Reader
from sshdoctor.firewall.nft.text.values import atom

_FLAGS = ("random", "fully-random", "persistent")


def nat_target(reader: Reader) -> Any:
    """snat, dnat, masquerade, redirect and tproxy."""
    kind = reader.take()
    found: dict[str, Any] = {}
    family = reader.text
    if reader.after() != "saddr" and reader.after() != "daddr" and reader.accept("ip", "ip6"):
        found["family"] = family
    if reader.accept("addr"):  # dnat ip addr . port to
        reader.expect(".")
        reader.expect("port")
    prefix = reader.accept("prefix", "interval")
    if reader.accept("to") or _is_bare(kind, reader):
        _destination(reader, kind, found)
    flags = _flags(reader) + (["netmap"] if prefix else [])
    if flags:
        found["flags"] = flags
    return {kind: found or None}


def _is_bare(kind: str, reader: Reader) -> bool:
    """``dnat 10.0.0.1``, without ``to``."""
    return kind in ("snat", "dnat", "tproxy") and reader.text not in ("", "}", *_FLAGS)


def _flags(reader: Reader) -> list[str]:
    found = []
    while reader.text in _FLAGS:
        found.append(reader.take())
        reader.accept(",")
    return found


def _destination(reader: Reader, kind: str, found: dict[str, Any]) -> None:
    text = reader.text
    if text.startswith(":") and reader.kind == "word":
        _port(reader, found)
        return
    place = reader.place
    field = primary(reader)
    reader.place = place
    if field is not None:
        found["port" if kind in ("redirect", "masquerade") else "addr"] = expression(reader)
    else:
        address, port = _parted(reader.take())
        if reader.text == "-" or (reader.text[:1] == "-" and reader.kind == "word"):
            address = f"{address}{reader.take()}"
            if address.endswith("-"):
                high, port = _parted(reader.take())
                address += high
        found["addr"] = _address(address)
        if port:
            found["port"] = atom(port)
            return
    if reader.text.startswith(":") and reader.kind == "word":
        _port(reader, found)


def _port(reader: Reader, found: dict[str, Any]) -> None:
    """``:22``, ``: 22``, ``:tcp dport map { ... }``"""
    rest = reader.take()[1:]
    if rest:
        reader.put_back(rest)
    found["port"] = expression(reader)


def _parted(text: str) -> tuple[str, str]:
    """Address and port.

    >>> _parted("[fd00::1]:22"), _parted("10.0.0.1:22-23"), _parted("fd00::1")
    (('fd00::1', '22'), ('10.0.0.1', '22-23'), ('fd00::1', ''))
    """
    if text.startswith("["):
        address, _, port = text.rpartition("]")
        return address.replace("[", "").replace("]", ""), port.removeprefix(":")
    if text.count(":") > 1:
        return text, ""
    address, _, port = text.partition(":")
    return address, port


def _address(text: str) -> Any:
    if not text:
        raise NotUnderstoodError("no address")
    return atom(text)
