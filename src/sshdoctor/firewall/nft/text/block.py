"""What stands in a table: chains with their hooks, sets and maps with their elements."""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct, field

from sshdoctor.firewall.nft.text.expression import Data, concatenated_or_expression, elements
from sshdoctor.firewall.nft.text.statement import Statement, rule, verdict
from sshdoctor.firewall.nft.text.tokens import NotUnderstoodError, Reader

_PRIORITIES = {"raw": -300, "mangle": -150, "dstnat": -100, "filter": 0, "security": 50, "srcnat": 100,
               "out": 100, "conntrack": -200, "last": 2147483647, "first": -2147483648}  # fmt: skip


class Chain(Struct):
    """``base`` is what nft's JSON has of a base chain; a rule is its statements, text and handle."""

    base: dict[str, Any] = field(default_factory=dict)
    rules: list[tuple[list[Statement], str, int | None]] = field(default_factory=list)

    def place(self, by: str, number: int) -> int:
        """The index of a rule. Raises NotUnderstoodError if there is none."""
        if by == "index":
            if number < len(self.rules):
                return number
        else:
            for index, (_, _, handle) in enumerate(self.rules):
                if handle == number:
                    return index
        raise NotUnderstoodError(f"there is no rule of {by} {number}")


class Set(Struct):
    kind: str
    type: str = ""
    size: int | None = None
    elements: list[Any] = field(default_factory=list)

    def data(self) -> Data | None:
        """What reads the right side of its elements, None for a set."""
        if self.kind != "map":
            return None
        return verdict if self.type.split(":")[-1].strip() == "verdict" else _data


def _data(reader: Reader) -> Any:
    if reader.kind == "word" and reader.text in ("accept", "drop", "return", "continue", "jump", "goto"):
        return verdict(reader)
    return concatenated_or_expression(reader)


class Table(Struct):
    dormant: bool = False
    chains: dict[str, Chain] = field(default_factory=dict)
    sets: dict[str, Set] = field(default_factory=dict)


class Contents:
    """All that the script has made so far."""

    def __init__(self) -> None:
        self.tables: dict[tuple[str, str], Table] = {}

    def table(self, family: str, name: str) -> Table:
        return self.tables.setdefault((family, name), Table())

    def chain(self, family: str, table: str, name: str) -> Chain:
        return self.table(family, table).chains.setdefault(name, Chain())

    def set(self, family: str, table: str, name: str, kind: str) -> Set:
        return self.table(family, table).sets.setdefault(name, Set(kind))

    def drop_tables(self, family: str) -> None:
        self.tables = {key: table for key, table in self.tables.items() if family and key[0] != family}

    def objects(self) -> list[tuple[str, dict[str, Any]]]:
        """As nft's JSON lists them: a table, its sets and chains, its rules."""
        found: list[tuple[str, dict[str, Any]]] = []
        for (family, name), table in self.tables.items():
            of = {"family": family, "table": name}
            found.append(("table", {"family": family, "name": name, "dormant": table.dormant}))
            found += [("set", _set_object(of, key, each)) for key, each in table.sets.items()]
            found += [("chain", {**of, "name": key, **each.base}) for key, each in table.chains.items()]
            found += [
                ("rule", {**of, "chain": key, "handle": handle, "text": text, "expr": statements})
                for key, each in table.chains.items()
                for statements, text, handle in each.rules
            ]
        return found


def _set_object(of: dict[str, str], name: str, found: Set) -> dict[str, Any]:
    size = {} if found.size is None else {"size": found.size}
    return {**of, "name": name, "type": found.type, "elem": found.elements, **size}


def fill_chain(reader: Reader, chain: Chain) -> None:
    """Everything up to the closing brace."""
    while True:
        reader.skip_ends()
        if reader.token is None:
            raise NotUnderstoodError("the chain is cut off: its last brace is missing")
        if reader.accept("}"):
            return
        if reader.text == "type" and reader.after() in ("filter", "nat", "route"):
            _hook(reader, chain)
        elif reader.text == "policy" and reader.after() in ("accept", "drop"):
            reader.take()
            chain.base["policy"] = reader.take()
        elif reader.text in ("comment", "flags") and reader.kind == "word":
            while reader.kind != "end" and reader.sign != "}":
                reader.take()
        elif reader.text in ("devices", "device") and reader.kind == "word":
            _devices(reader, chain)
        else:
            statements, text = rule(reader)
            if text:
                chain.rules.append((statements, text, reader.handle))


def _hook(reader: Reader, chain: Chain) -> None:
    reader.take()
    base: dict[str, Any] = {"type": reader.take(), "policy": chain.base.get("policy", "accept")}
    reader.expect("hook")
    base["hook"] = reader.take()
    chain.base |= base
    while reader.text in ("device", "devices"):
        _devices(reader, chain)
    reader.expect("priority")
    said = ""
    while reader.text and reader.sign != "}" and reader.text != "policy":
        said += reader.take()
    chain.base["prio"] = _priority(said, reader, chain)


def _priority(said: str, reader: Reader, chain: Chain) -> int:
    """A number, or a name with what is added to it."""
    if found := re.fullmatch(r"([+-]?\d+)", said):
        return int(found[1])
    found = re.fullmatch(r"([a-z]+)([+-]\d+)?", said)
    if found is None or found[1] not in _PRIORITIES:
        raise NotUnderstoodError(f"no priority: {said!r}")
    return _PRIORITIES[found[1]] + int(found[2] or 0)


def _devices(reader: Reader, chain: Chain) -> None:
    reader.take()
    reader.accept("=")
    if reader.text == "{":
        chain.base["dev"] = elements(reader, None)
    else:
        chain.base["dev"] = reader.take()


def fill_set(reader: Reader, found: Set) -> None:
    """Everything up to the closing brace."""
    while True:
        reader.skip_ends()
        if reader.token is None:
            raise NotUnderstoodError("the set is cut off: its last brace is missing")
        if reader.accept("}"):
            return
        word = reader.take()
        if word == "elements":
            reader.accept("=")
            found.elements.extend(elements(reader, found.data()))
            continue
        said = []
        while reader.kind != "end" and reader.sign != "}":
            said.append(reader.take())
        if word in ("type", "typeof"):
            found.type = " ".join(said)
        elif word == "size" and said and said[0].isdigit():
            found.size = int(said[0])
