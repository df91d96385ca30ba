"""The names of interfaces that a table of nft asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sshdoctor.firewall.model import Chain

_NAME = re.compile(r"[A-Za-z][\w.@-]{0,14}[*]?")
_NO_NAMES = frozenset(("accept", "drop", "return", "continue", "tcp", "udp", "icmp", "icmpv6", "ipv6-icmp"))


def interface_names(chains: Mapping[str, Chain], others: Iterable[tuple[str, dict[str, Any]]]) -> set[str]:
    """Every word of the statements that ask for an interface, of the sets that they name, and the devices of
    chains: some are no names of interfaces, which does no harm."""
    statements = (
        each for chain in chains.values() for rule in chain.rules for each in rule.get("expr") or ()
    )
    found = {word for each in statements if _asks(str(each)) for word in _words(each)}
    for kind, entry in others:
        if kind == "chain":
            found.update(_words(entry.get("dev")))
        elif kind in ("set", "map") and any(word.startswith("@") for word in found):
            found.update(_words(entry.get("elem")))
    return {word for word in found if _NAME.fullmatch(word)} - _NO_NAMES


def _asks(text: str) -> bool:
    return "'iif" in text or "'oif" in text


def _words(value: Any) -> Iterator[str]:
    """The strings in a value, without those of the field that is asked."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in ("meta", "op", "payload", "ct"):
                yield from _words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _words(inner)
