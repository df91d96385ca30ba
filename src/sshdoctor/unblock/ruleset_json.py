"""Changes to what ``nft -j list ruleset`` and ``nft -a list ruleset`` printed, as nft would make them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from sshdoctor.unblock.opening import Opening


class Listing(NamedTuple):
    """Both forms of one ruleset; ``text`` lends its words to the rules of ``json``."""

    json: str
    text: str | None


class ChainName(NamedTuple):
    family: str
    table: str
    name: str


def insert(listing: Listing, chain: ChainName, opening: Opening, words: str, *, first: bool) -> Listing:
    """``opening``'s rule, which nft lists as ``words``, as the chain's first or last."""
    objects = json.loads(listing.json)
    listed: list[dict[str, Any]] = objects["nftables"]
    own = [number for number, entry in enumerate(listed) if _is_in(entry.get("rule"), chain)]
    declared = [number for number, entry in enumerate(listed) if _is_declared(entry.get("chain"), chain)]
    if not declared:
        return listing
    handle = 1 + max((entry["rule"].get("handle", 0) for entry in listed if "rule" in entry), default=0)
    at = (own[0] if first else own[-1] + 1) if own else declared[-1] + 1
    rule = {"family": chain.family, "table": chain.table, "chain": chain.name, "handle": handle}
    listed.insert(at, {"rule": {**rule, "expr": list(_expression(opening))}})
    return Listing(json.dumps(objects), _with_words(listing.text, chain, f"{words} # handle {handle}"))


def remove(listing: Listing, chain: ChainName, number: int) -> Listing:
    """The chain without its rule ``number`` (from 1)."""
    objects = json.loads(listing.json)
    listed: list[dict[str, Any]] = objects["nftables"]
    own = [at for at, entry in enumerate(listed) if _is_in(entry.get("rule"), chain)]
    del listed[own[number - 1]]
    return Listing(json.dumps(objects), listing.text)


def remove_element(listing: Listing, family: str, table: str, name: str, address: str) -> Listing:
    """The set without ``address``, if that is an element by itself; a network that holds it stays."""
    objects = json.loads(listing.json)
    for entry in objects["nftables"]:
        found = entry.get("set") or {}
        if (found.get("family"), found.get("table"), found.get("name")) == (family, table, name):
            elements = found.get("elem", [])
            elements = elements if isinstance(elements, list) else [elements]
            found["elem"] = [element for element in elements if _value(element) != address]
    return Listing(json.dumps(objects), listing.text)


def _is_in(rule: Any, chain: ChainName) -> bool:
    return bool(rule) and (rule.get("family"), rule.get("table"), rule.get("chain")) == chain


def _is_declared(entry: Any, chain: ChainName) -> bool:
    return bool(entry) and (entry.get("family"), entry.get("table"), entry.get("name")) == chain


def _value(element: Any) -> Any:
    return element["elem"]["val"] if isinstance(element, dict) and "elem" in element else element


def _expression(opening: Opening) -> Iterator[dict[str, Any]]:
    if opening.source is not None:
        protocol = "ip6" if opening.family == "ipv6" else "ip"
        yield _equals(protocol, "daddr" if opening.outward else "saddr", _address(opening.source))
    if opening.port is not None:
        yield _equals("tcp", "sport" if opening.outward else "dport", opening.port)
    yield {"accept": None}


def _address(source: str) -> Any:
    address, slash, length = source.partition("/")
    return {"prefix": {"addr": address, "len": int(length)}} if slash else address


def _equals(protocol: str, field: str, right: Any) -> dict[str, Any]:
    left = {"payload": {"protocol": protocol, "field": field}}
    return {"match": {"op": "==", "left": left, "right": right}}


def _with_words(text: str | None, chain: ChainName, line: str) -> str | None:
    """The text's rules are found by their handles: any place in the chain's block will do."""
    if text is None:
        return None
    lines = text.splitlines()
    table = re.compile(rf"\s*table {re.escape(chain.family)} {re.escape(chain.table)} \{{")
    block = re.compile(rf"\s*chain {re.escape(chain.name)} \{{")
    begin = next((n for n, each in enumerate(lines) if table.match(each)), len(lines))
    at = next((n for n in range(begin, len(lines)) if block.match(lines[n])), len(lines))
    return "\n".join([*lines[: at + 1], f"\t\t{line}", *lines[at + 1 :]])
