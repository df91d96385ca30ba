"""Reads ``nft -j list ruleset``, or nft's own language: tables with their sets, base chains and places."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sshdoctor.errors import RulesError
from sshdoctor.firewall.kernel.matches import in_doubt
from sshdoctor.firewall.model import Base, Body, Chain, Doubt, Hook, Match, Table, Target
from sshdoctor.firewall.nft.devices import interface_names
from sshdoctor.firewall.nft.listing import Listing, read_listing
from sshdoctor.firewall.nft.match import Scope
from sshdoctor.firewall.nft.rule import compile_nft
from sshdoctor.firewall.nft.text import Object, read_script, statements_of
from sshdoctor.firewall.nft.values import Sets
from sshdoctor.model import Family

FAMILIES: dict[str, tuple[Family, ...]] = {
    "ip": ("ipv4",),
    "ip6": ("ipv6",),
    "inet": ("ipv4", "ipv6"),
    "netdev": ("ipv4", "ipv6"),
    "bridge": ("ipv4", "ipv6"),
}
"""Which packets a table sees; those of ARP are none of ours."""

_HOOKS: dict[str, tuple[Hook, int]] = {
    "ingress": ("prerouting", -1_000_000),
    "prerouting": ("prerouting", 0),
    "input": ("input", 0),
    "forward": ("forward", 0),
    "output": ("output", 0),
    "postrouting": ("postrouting", 0),
    "egress": ("postrouting", 1_000_000),
}
"""The hook, and what is added to its priorities: ingress is before, egress after everything else."""
_BRIDGE_HOOKS: dict[str, tuple[Hook, int]] = {
    "prerouting": ("prerouting", -900_000),
    "input": ("prerouting", -800_000),
    "output": ("postrouting", 800_000),
    "postrouting": ("postrouting", 900_000),
}
"""A bridge hands the host's own packets up after both of its hooks (br_input.c), and takes them last of all;
what it forwards is none of ours."""


def read(text: str, listing: str = "") -> list[Table]:
    """The tables in nft's JSON, one for each family that a table serves.

    ``listing`` is ``nft -a list ruleset``: where it is given, rules are named by their text in it. Rules of
    iptables-nft are here with their parameters left out (``xt``): read those from iptables-save.
    Raises RulesError for text that is not nft's JSON.
    """
    if not text.strip():
        return []
    return _tables(objects(text), read_listing(listing))


def read_text(text: str) -> list[Table]:
    """The tables of ``nft list ruleset``, or of a script of nft. Raises RulesError for any other text."""
    return _tables(read_script(text), Listing({}, {}))


def _tables(objects: list[Object], listing: Listing) -> list[Table]:
    return [
        _table(entry, family, objects, listing)
        for kind, entry in objects
        if kind == "table" and not _is_dormant(entry)
        for family in FAMILIES.get(entry["family"], ())
    ]


def _table(entry: dict[str, Any], family: Family, objects: list[Object], listing: Listing) -> Table:
    chains = _chains(entry, family, objects, listing)
    of = (entry["family"], entry["name"])
    others = [(k, e) for k, e in objects if k != "rule" and (e.get("family"), e.get("table")) == of]
    return Table(
        family, f"nft {entry['family']}", entry["name"], chains, lambda: interface_names(chains, others)
    )


def _is_dormant(table: dict[str, Any]) -> bool:
    """Its chains are not called."""
    flags = table.get("flags")
    return (
        table.get("dormant") is True or flags == "dormant" or (isinstance(flags, list) and "dormant" in flags)
    )


def objects(text: str) -> list[Object]:
    import json

    try:
        listed = json.loads(text)["nftables"]
        found = [next(iter(entry.items())) for entry in listed if entry]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RulesError(f"no JSON of 'nft -j list ruleset': {error}") from None
    if any(not isinstance(entry, dict) or not _named(kind, entry) for kind, entry in found):
        raise RulesError("no JSON of 'nft -j list ruleset': an object without family, table or name")
    return found


_NEEDED = {
    "table": ("family", "name"),
    "chain": ("family", "table", "name"),
    "set": ("family", "table", "name"),
    "map": ("family", "table", "name"),
    "rule": ("family", "table", "chain"),
}


def _named(kind: str, entry: dict[str, Any]) -> bool:
    return all(isinstance(entry.get(key), str) for key in _NEEDED.get(kind, ()))


def _chains(
    table: dict[str, Any], family: Family, objects: list[Object], listing: Listing
) -> dict[str, Chain]:
    key = (table["family"], table["name"])
    name = " ".join(key)
    ours = [
        (order, kind, entry)
        for order, (kind, entry) in enumerate(objects)
        if (entry.get("family"), entry.get("table")) == key
    ]
    chains: dict[str, Chain] = {}
    listed = [e for _, kind, e in ours if kind in ("set", "map")]
    changing = _changing(e for _, kind, e in ours if kind == "rule")
    full = frozenset(e["name"] for e in listed if len(_elements(e)) >= _size(e))
    sets = Sets({e["name"]: _elements(e) for e in listed}, changing, full)
    compiler = _compiler(Scope(family, sets, chains))
    for order, kind, entry in ours:
        if kind == "chain":
            base = _base(entry, order, listing.devices_of(entry))
            policy = _policy(entry, base)
            chains[entry["name"]] = Chain(name, entry["name"], policy, compiler, base, _shower(listing))
    for _, kind, entry in ours:
        if kind == "rule" and entry["chain"] in chains:
            chain = chains[entry["chain"]]
            chain.rules.append(_with_chains(_in_full(entry, listing), chain, chains))
    return chains


def _in_full(entry: dict[str, Any], listing: Listing) -> dict[str, Any]:
    """The rule with what its JSON leaves out: matches of iptables without their parameters (the listing
    translates most of them), and statements that nft has no JSON for and gives as text."""
    statements = entry.get("expr")
    if not isinstance(statements, list):
        return entry
    if any(isinstance(each, dict) and "xt" in each for each in statements) and (
        listed := listing.text(entry)
    ):
        return {**entry, "expr": statements_of(listed)}
    if any(isinstance(each, str) for each in statements):
        full = [
            part for each in statements for part in (statements_of(each) if isinstance(each, str) else [each])
        ]
        return {**entry, "expr": full}
    return entry


def _with_chains(entry: dict[str, Any], chain: Chain, chains: dict[str, Chain]) -> dict[str, Any]:
    """The rule, where a chain in braces (``jump { ... }``) stands among the table's others."""
    statements = entry.get("expr")
    if not isinstance(statements, list):
        return entry
    return {**entry, "expr": [_named_jump(each, chain, chains) for each in statements]}


def _named_jump(statement: Any, chain: Chain, chains: dict[str, Chain]) -> Any:
    for word in ("jump", "goto"):
        inner = statement.get(word) if isinstance(statement, dict) else None
        if isinstance(inner, dict) and isinstance(inner.get("rules"), list):
            name = f"{chain.name} {{{len(chains)}}}"
            chains[name] = unnamed = chain.sibling(name)
            unnamed.rules.extend(_with_chains(rule, unnamed, chains) for rule in inner["rules"])
            return {word: {"target": name}}
    return statement


def _elements(entry: dict[str, Any]) -> list[Any]:
    elements = entry.get("elem", [])
    return elements if isinstance(elements, list) else [elements]


def _size(entry: dict[str, Any]) -> int:
    """nft gives 65535 to a set that rules add to, if the set names no size."""
    size = entry.get("size")
    return size if isinstance(size, int) else 65535


def _changing(rules: Iterable[dict[str, Any]]) -> frozenset[str]:
    """The sets and maps that a statement of a rule adds to or takes from."""
    bodies = (rule.get("expr") for rule in rules)
    statements = (each for body in bodies if isinstance(body, list) for each in body)
    return frozenset(name for each in statements for name in _changed_by(each))


def _changed_by(statement: Any) -> Iterator[str]:
    if isinstance(statement, str):
        yield from _UPDATE.findall(statement)
    elif isinstance(statement, dict):
        for inner in (statement.get(word) for word in ("jump", "goto")):
            if isinstance(inner, dict) and isinstance(inner.get("rules"), list):
                yield from _changing(inner["rules"])
        for kind in ("set", "map"):
            given = statement.get(kind)
            name = given.get(kind) if isinstance(given, dict) else None
            if isinstance(name, str):
                yield name.removeprefix("@")


_UPDATE = re.compile(r"^(?:add|update|delete) @(\S+)")


def _policy(entry: dict[str, Any], base: Base | None) -> str | None:
    return ("drop" if entry.get("policy") == "drop" else "accept") if base else None


def _base(entry: dict[str, Any], order: int, devices: tuple[str, ...]) -> Base | None:
    bridge = entry.get("family") == "bridge"
    hook, shift = (_BRIDGE_HOOKS if bridge else _HOOKS).get(str(entry.get("hook")), (None, 0))
    if hook is None or not isinstance(entry.get("prio"), int):
        return None
    of = devices if shift and not bridge else None
    return Base(hook, entry["prio"] + shift, entry.get("type") == "nat", order, of, bridge)


def _compiler(scope: Scope) -> Callable[[dict[str, Any]], Body]:
    def compile_rule(entry: dict[str, Any]) -> Body:
        try:
            return compile_nft(entry.get("expr") or [], scope)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
            return Body((Match(in_doubt, _UNREADABLE),), Target("lost", _UNREADABLE))

    return compile_rule


_UNREADABLE = Doubt("unknown", "a rule that cannot be read")


def _shower(listing: Listing) -> Callable[[dict[str, Any]], str]:
    return lambda entry: str(entry.get("text") or listing.text(entry) or _as_json(entry))


def _as_json(entry: dict[str, Any]) -> str:
    import json

    return json.dumps(entry.get("expr"))
