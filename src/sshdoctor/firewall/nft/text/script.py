"""A script of nft, or what ``nft list ruleset`` prints: its tables, chains, sets and rules, as they end up.

Commands that change what stood before (``flush``, ``delete``, ``insert``) are carried out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sshdoctor.errors import RulesError
from sshdoctor.firewall.nft.text.block import Contents, fill_chain, fill_set
from sshdoctor.firewall.nft.text.expression import elements
from sshdoctor.firewall.nft.text.statement import Statement, rule
from sshdoctor.firewall.nft.text.tokens import Include, NotUnderstoodError, Reader, Token, tokens_of

Object = tuple[str, dict[str, Any]]

_FAMILIES = ("ip", "ip6", "inet", "netdev", "arp", "bridge")
_OBJECTS = ("counter", "quota", "limit", "secmark", "synproxy", "flowtable", "ct", "tunnel")
_START = re.compile(
    r"""
    ^[ \t]*(?:(?:add|create)[ \t]+)?table[ \t]+(?:(?:ip6?|inet|netdev|arp|bridge)[ \t]+)?[\w.-]+[ \t\r]*
        (?:\{[ \t\r]*)?(?:\#.*)?$
    |^[ \t]*(?:table|chain)[ \t][^{\n]*\{
    |^[ \t]*flush[ ]ruleset
    |^\#!.*\bnft\b
    |^[ \t]*(?:nft[ ])?(?:add|insert)[ ]rule[ ]
    """,
    re.M | re.X,
)


def looks_like_script(text: str) -> bool:
    return _START.search(text) is not None


def _no_files(pattern: str) -> Iterable[str]:
    raise RulesError(f"it includes {pattern}, which is not here")


def read_script(text: str, include: Include = _no_files) -> list[Object]:
    """The objects in the order of nft's JSON. Raises RulesError, with the line, for what is no nft."""
    reader = Reader(tokens_of(text, include))
    ruleset = _Ruleset()
    while True:
        reader.skip_ends()
        if reader.token is None:
            return ruleset.contents.objects()
        token = reader.token
        try:
            ruleset.command(reader)
        except (NotUnderstoodError, ValueError, IndexError, KeyError, RecursionError) as error:
            at = reader.token or token
            raise RulesError(f"line {at.line()}: {_shown(token)}: {error}") from None


def _shown(token: Token) -> str:
    line = token.source[token.start :].partition("\n")[0]
    return repr(line.strip()[:60])


def statements_of(text: str) -> list[Statement]:
    """The statements of one rule."""
    return rule(Reader(tokens_of(text, _no_files)))[0]


class _Ruleset:
    def __init__(self) -> None:
        self.contents = Contents()

    def command(self, reader: Reader) -> None:
        reader.accept("nft")
        verb = reader.text if reader.text in _VERBS else "add"
        reader.accept(verb)
        if verb in ("list", "describe", "monitor", "reset", "export"):
            while reader.text:
                reader.take()
            return
        kind = reader.take()
        if verb in ("add", "create") and kind not in _KINDS:
            reader.place -= 1
            raise NotUnderstoodError(f"no command of nft begins with {kind!r}")
        if kind == "ruleset":
            family = reader.take() if reader.text in _FAMILIES else ""
            self.contents.drop_tables(family)
            return
        family = reader.take() if reader.text in _FAMILIES else "ip"
        if kind == "ct" and family == "ip":
            reader.accept("helper", "timeout", "expectation")
            family = reader.take() if reader.text in _FAMILIES else "ip"
        self._object(verb, kind, family, reader)

    def _object(self, verb: str, kind: str, family: str, reader: Reader) -> None:
        if kind == "table":
            self._table(verb, family, reader)
        elif kind in ("tables", "chains", "sets", "rules"):
            raise NotUnderstoodError(f"{verb} {kind}")
        elif kind == "chain":
            self._chain(verb, family, reader.take(), reader)
        elif kind == "rule":
            self._rule(verb, family, reader.take(), reader)
        elif kind in ("set", "map", "meter"):
            self._set(verb, kind, family, reader.take(), reader)
        elif kind == "element":
            self._element(verb, family, reader.take(), reader)
        else:
            _pass_over(reader)

    def _table(self, verb: str, family: str, reader: Reader) -> None:
        if reader.text == "handle":
            raise NotUnderstoodError("a table by its handle")
        name = reader.take()
        if verb in ("delete", "destroy"):
            self.contents.tables.pop((family, name), None)
            return
        table = self.contents.table(family, name)
        if verb == "flush":
            for chain in table.chains.values():
                chain.rules.clear()
        elif reader.accept("{"):
            self._block(family, name, reader)

    def _block(self, family: str, table: str, reader: Reader) -> None:
        while True:
            reader.skip_ends()
            if reader.token is None:
                raise NotUnderstoodError(f"the table {table} is cut off: its last brace is missing")
            if reader.accept("}"):
                return
            kind = reader.take()
            if kind == "chain":
                self._chain("add", family, table, reader)
            elif kind in ("set", "map", "meter"):
                self._set("add", kind, family, table, reader)
            elif kind in ("flags", "comment", "type"):
                if kind == "flags" and reader.text == "dormant":
                    self.contents.table(family, table).dormant = True
                while reader.text:
                    reader.take()
            elif kind in _OBJECTS:
                _pass_over(reader)
            else:
                raise NotUnderstoodError(f"expected a chain or a set, not {kind!r}")

    def _chain(self, verb: str, family: str, table: str, reader: Reader) -> None:
        name = reader.take()
        chains = self.contents.table(family, table).chains
        if verb in ("delete", "destroy"):
            chains.pop(name, None)
            return
        if verb == "rename":
            chains[reader.take()] = chains.pop(name)
            return
        chain = self.contents.chain(family, table, name)
        if verb == "flush":
            chain.rules.clear()
        elif reader.accept("{"):
            fill_chain(reader, chain)

    def _rule(self, verb: str, family: str, table: str, reader: Reader) -> None:
        chain = self.contents.chain(family, table, reader.take())
        place: int | None = None
        if reader.text in ("handle", "position", "index") and reader.after().isdigit():
            by, number = reader.take(), int(reader.take())
            place = chain.place(by, number)
        if verb in ("delete", "destroy", "replace"):
            if place is None:
                raise NotUnderstoodError(f"{verb} rule without its handle")
            del chain.rules[place]
            if verb != "replace":
                return
        statements, text = rule(reader)
        at = len(chain.rules) if place is None else place + (verb == "add")
        if verb == "insert" and place is None:
            at = 0
        chain.rules.insert(at, (statements, text, reader.handle))

    def _set(self, verb: str, kind: str, family: str, table: str, reader: Reader) -> None:
        name = reader.take()
        sets = self.contents.table(family, table).sets
        if verb in ("delete", "destroy"):
            sets.pop(name, None)
        elif verb == "flush":
            sets[name].elements.clear()
        else:
            found = self.contents.set(family, table, name, kind)
            if reader.accept("{"):
                fill_set(reader, found)

    def _element(self, verb: str, family: str, table: str, reader: Reader) -> None:
        name = reader.take()
        found = self.contents.table(family, table).sets.get(name)
        if found is None:
            raise NotUnderstoodError(f"the set {name} of table {table} is not declared")
        given = elements(reader, found.data())
        if verb in ("delete", "destroy"):
            found.elements = [each for each in found.elements if each not in given]
        else:
            found.elements.extend(given)


_VERBS = ("add", "create", "insert", "delete", "destroy", "flush", "replace", "rename", "list", "describe",
          "monitor", "reset", "export")  # fmt: skip
_KINDS = frozenset(("table", "chain", "rule", "set", "map", "meter", "element", "ruleset", *_OBJECTS))


def _pass_over(reader: Reader) -> None:
    """An object that no rule's outcome hangs on: up to the end of its braces or of the line."""
    depth = 0
    while (token := reader.token) is not None:
        if depth == 0 and token.kind == "end":
            return
        reader.place += 1
        if token.kind == "sign":
            depth += {"{": 1, "}": -1}.get(token.text, 0)
            if token.text == "}" and depth == 0:
                return
