"""/etc/nftables.conf as ``nft -j list ruleset`` would print it once it is loaded, as far as it is understood.

Sources: nft(8), libnftables-json(5). Tables with chains and sets are read; of the rules the usual matches and
verdicts. What is not understood in a rule becomes a match that the firewall's model cannot decide, never one
that is left out. A file with variables, includes, or commands other than ``flush ruleset`` is not read.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator
from typing import Any

from sshdoctor.facts.parsing.nft_words import rule

_TOKEN = re.compile(r'"[^"\n]*"|[{};,\n]|[^\s{};,"]+')
_PRIORITIES = {"raw": -300, "mangle": -150, "dstnat": -100, "filter": 0, "security": 50, "srcnat": 100}
_FAMILIES = ("ip", "ip6", "inet", "netdev", "arp", "bridge")

Tokens = deque[str]


class _NotReadError(Exception):
    pass


def ruleset(text: str) -> tuple[str, str] | None:
    """nft's JSON and its text (``nft -a list ruleset``), None where the file is not read."""
    plain = re.sub(r'("[^"\n]*")|#.*', lambda found: found[1] or "", text.replace("\\\n", " "))
    if re.search(r"\$|^\s*(include|define|redefine|undefine)\b", plain, re.M):
        return None
    tokens: Tokens = deque(_TOKEN.findall(plain))
    objects: list[dict[str, Any]] = []
    lines: list[str] = []
    try:
        while tokens:
            _command(tokens, objects, lines)
    except (_NotReadError, IndexError, ValueError):
        return None
    return json.dumps({"nftables": objects}), "\n".join(lines)


def _command(tokens: Tokens, objects: list[dict[str, Any]], lines: list[str]) -> None:
    word = tokens.popleft()
    if word in ("\n", ";"):
        return
    if word == "flush" and tokens[0] == "ruleset":
        tokens.popleft()
        objects.clear()
        lines.clear()
    elif word == "table":
        family = tokens.popleft() if tokens[0] in _FAMILIES else "ip"
        _table(family, tokens.popleft(), _block(tokens), objects, lines)
    else:
        raise _NotReadError(word)


def _table(family: str, name: str, body: Tokens, objects: list[dict[str, Any]], lines: list[str]) -> None:
    """Chains first, since rules may jump to those that come later."""
    of = {"family": family, "table": name}
    objects.append({"table": {"family": family, "name": name}})
    rules: list[dict[str, Any]] = []
    lines.append(f"table {family} {name} {{ # handle 1")
    while body:
        kind = body.popleft()
        if kind in ("\n", ";"):
            continue
        own = body.popleft()
        block = _block(body)
        if kind == "chain":
            base, found = _chain(block)
            objects.append({"chain": {**of, "name": own, **base}})
            lines.append(f"\tchain {own} {{ # handle 1")
            for words in found:
                rules.append({"rule": {**of, "chain": own, "handle": len(objects) + len(rules) + 1}})
                rules[-1]["rule"]["expr"] = rule(words)
                lines.append(f"\t\t{_shown(words)} # handle {rules[-1]['rule']['handle']}")
            lines.append("\t}")
        elif kind == "set":
            objects.append({"set": {**of, "name": own, "elem": _elements(block)}})
        elif kind == "map":
            raise _NotReadError(kind)
    lines.append("}")
    objects += rules


def _block(tokens: Tokens) -> Tokens:
    """What stands between the braces that come next."""
    if tokens.popleft() != "{":
        raise _NotReadError("no block")
    depth, found = 1, []
    while depth:
        word = tokens.popleft()
        depth += {"{": 1, "}": -1}.get(word, 0)
        found.append(word)
    return deque(found[:-1])


def _sentences(body: Tokens) -> Iterator[list[str]]:
    depth = 0
    found: list[str] = []
    for word in [*body, ";"]:
        depth += {"{": 1, "}": -1}.get(word, 0)
        if word in (";", "\n") and depth == 0:
            if found:
                yield found
            found = []
        elif word != "\n":
            found.append(word)


def _chain(body: Tokens) -> tuple[dict[str, Any], list[list[str]]]:
    base: dict[str, Any] = {}
    rules = []
    for words in _sentences(body):
        if words[0] == "type":
            hook, at = words[words.index("hook") + 1], words.index("priority") + 1
            base |= {"type": words[1], "hook": hook, "prio": _priority(words[at:])}
            base.setdefault("policy", "accept")
        elif words[0] == "policy":
            base["policy"] = words[1]
        elif words[0] not in ("comment", "device", "devices"):
            rules.append(words)
    return base, rules


def _priority(words: list[str]) -> int:
    """A number, or a name with what is added to it."""
    name, *rest = re.findall(r"[a-z]+|[+-]?\s*\d+", " ".join(words))
    if name in _PRIORITIES:
        return _PRIORITIES[name] + (int(rest[0].replace(" ", "")) if rest else 0)
    return int(name.replace(" ", ""))


def _elements(body: Tokens) -> list[Any]:
    from sshdoctor.facts.parsing.nft_words import values

    for words in _sentences(body):
        if words[0] == "elements":
            return values(words[words.index("{") + 1 : -1])
    return []


def _shown(words: list[str]) -> str:
    return " ".join(words).replace(" ,", ",")
