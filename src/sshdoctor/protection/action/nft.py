"""What ``nft add`` and ``nft insert`` make of a listing in nft's JSON (libnftables-json(5))."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sshdoctor.protection.action.ports import numbered
from sshdoctor.protection.action.words import ShellError

Object = dict[str, Any]
_PRIORITIES = {"raw": -300, "mangle": -150, "dstnat": -100, "filter": 0, "security": 50, "srcnat": 100}
_FAMILIES = ("ip", "ip6", "inet", "arp", "bridge", "netdev")


class Listing:
    """The tables, chains, sets and rules of one listing."""

    def __init__(self, text: str, ports: Mapping[str, int]) -> None:
        self._ports = ports
        self._objects: list[Object] = json.loads(text)["nftables"] if text else []
        self._changed = False
        self._text = text

    @property
    def text(self) -> str:
        return json.dumps({"nftables": self._objects}) if self._changed else self._text

    def change(self, words: Sequence[str]) -> bool:
        """What ``nft WORDS`` does; whether it succeeds. Raises ShellError for what is not known."""
        said = [
            word for word in " ".join(words).replace(";", " ; ").replace(",", " , ").split() if word != "--"
        ]
        said = [word for word in said if word not in ("-a", "-n", "-j")]
        if said.count("{") != said.count("}"):
            return False
        verb, *rest = said or [""]
        if verb in ("list", "delete", "flush", "reset"):
            return verb != "list" or self._is_there(rest)
        if verb not in ("add", "insert", "create"):
            raise ShellError(f"what nft {verb} does is not known")
        kind, *rest = rest
        family = rest.pop(0) if rest and rest[0] in _FAMILIES else "ip"
        self._changed = True
        made = {
            "table": self._table,
            "chain": self._chain,
            "set": self._set,
            "element": self._element,
            "rule": self._rule,
        }.get(kind)
        if made is None:
            raise ShellError(f"what nft {verb} {kind} does is not known")
        return made(family, rest, verb)

    def denying(self, zone: str) -> tuple[str, str, str] | None:
        """The chain of firewalld's in which ``zone`` refuses, None if it does not use nftables.

        "" is the default zone: that to which all goes that is in no other.
        """
        rules = (each.get("rule") or {} for each in self._objects)
        sent = [one.get("expr") or [] for one in rules if _place(one) == ("firewalld", "filter_INPUT_ZONES")]
        for expr in sent if not zone else ():
            target = expr[0].get("goto", {}).get("target", "") if len(expr) == 1 else ""
            zone = target.removeprefix("filter_IN_") or zone
        chain = f"filter_IN_{zone}_deny"
        there = zone and self._find("chain", "inet", "firewalld", chain) is not None
        return ("inet", "firewalld", chain) if there else None

    def _find(self, kind: str, family: str, table: str, name: str = "") -> Object | None:
        for each in self._objects:
            found: Object = each.get(kind) or {}
            own = found.get("name") == (name or table) and (not name or found.get("table") == table)
            if found.get("family") == family and own:
                return found
        return None

    def _is_there(self, rest: list[str]) -> bool:
        kind, *where = rest
        if kind not in ("table", "chain", "set") or len(where) < 2:
            return True
        family = where.pop(0) if where[0] in _FAMILIES else "ip"
        return self._find(kind, family, *where[: 1 if kind == "table" else 2]) is not None

    def _table(self, family: str, rest: list[str], verb: str) -> bool:
        if self._find("table", family, rest[0]) is None:
            self._objects.append({"table": {"family": family, "name": rest[0], "handle": 0}})
        return True

    def _chain(self, family: str, rest: list[str], verb: str) -> bool:
        table, name, *base = rest
        if self._find("table", family, table) is None:
            return False
        if self._find("chain", family, table, name) is None:
            made: Object = {"family": family, "table": table, "name": name, "handle": 0}
            if "hook" in base:
                made |= {"type": base[base.index("type") + 1], "hook": base[base.index("hook") + 1]}
                made |= {"prio": _priority(base[base.index("priority") + 1 :]), "policy": "accept"}
                if "policy" in base:
                    made["policy"] = base[base.index("policy") + 1]
            self._objects.append({"chain": made})
        return True

    def _set(self, family: str, rest: list[str], verb: str) -> bool:
        table, name, *body = rest
        if self._find("table", family, table) is None:
            return False
        if self._find("set", family, table, name) is None:
            kind = body[body.index("type") + 1] if "type" in body else "ipv4_addr"
            made = {"family": family, "table": table, "name": name, "handle": 0, "type": kind}
            self._objects.append({"set": made})
        return True

    def _element(self, family: str, rest: list[str], verb: str) -> bool:
        table, name, *body = rest
        found = self._find("set", family, table, name)
        if found is None:
            return False
        elements = [word for word in body if word not in ("{", "}", ",")]
        held = found.get("elem", [])
        found["elem"] = [*(held if isinstance(held, list) else [held]), elements[0]]
        return True

    def _rule(self, family: str, rest: list[str], verb: str) -> bool:
        table, chain, *words = rest
        if self._find("chain", family, table, chain) is None:
            return False
        where = {"family": family, "table": table, "chain": chain, "handle": 0}
        rule = {"rule": {**where, "expr": list(_expression(words, self._ports))}}
        mine = [n for n, each in enumerate(self._objects) if _is_in(each, family, table, chain)]
        at = (mine[0] if verb == "insert" else mine[-1] + 1) if mine else len(self._objects)
        self._objects.insert(at, rule)
        return True


def _place(rule: Object) -> tuple[Any, Any]:
    return rule.get("table"), rule.get("chain")


def _is_in(each: Object, family: str, table: str, chain: str) -> bool:
    rule = each.get("rule") or {}
    return (rule.get("family"), rule.get("table"), rule.get("chain")) == (family, table, chain)


def _priority(words: list[str]) -> int:
    text = "".join(word for word in words[:3] if word not in (";", "}"))
    for name, value in _PRIORITIES.items():
        if text.startswith(name):
            return value + int(text.removeprefix(name).split("p")[0] or 0)
    digits = text.partition("policy")[0]
    try:
        return int(digits)
    except ValueError:
        raise ShellError(f"the priority {digits} is not known") from None


def _expression(words: list[str], names: Mapping[str, int]) -> list[Object]:
    """The expression of a rule, of the words that bans are made of. Raises ShellError."""
    found: list[Object] = []
    words = list(words)
    while words:
        word = words.pop(0)
        if word in ("tcp", "udp", "th") and words[:1] in (["dport"], ["sport"]):
            found.append(_is(_payload(word, words.pop(0)), _right(words, names)))
        elif word in ("ip", "ip6") and words[:1] in (["saddr"], ["daddr"], ["protocol"], ["nexthdr"]):
            found.append(_is(_payload(word, words.pop(0)), _right(words)))
        elif word == "meta" and words[:1] == ["l4proto"]:
            words.pop(0)
            found.append(_is({"meta": {"key": "l4proto"}}, _right(words)))
        elif word == "ct" and words[:1] == ["state"]:
            words.pop(0)
            found.append({"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": _right(words)}})
        elif word == "counter":
            found.append({"counter": {"packets": 0, "bytes": 0}})
        elif word in ("drop", "accept", "return"):
            found.append({word: None})
        elif word == "reject":
            found.append({"reject": None})
            break
        else:
            raise ShellError(f"the word {word} of a rule of nft is not known")
    return found


def _payload(protocol: str, field: str) -> Object:
    return {"payload": {"protocol": protocol, "field": field}}


def _is(left: Object, right: Any) -> Object:
    return {"match": {"op": "==", "left": left, "right": right}}


def _right(words: list[str], ports: Mapping[str, int] | None = None) -> Any:
    """What stands right of a match; of ``ports`` where names of ports may stand there."""
    word = words.pop(0)
    if word != "{":
        return _value(word, ports)
    values = []
    while words and words[0] != "}":
        if words[0] == ",":
            words.pop(0)
            continue
        values.append(_value(words.pop(0), ports))
    if words:
        words.pop(0)
    return {"set": values}


def _value(word: str, ports: Mapping[str, int] | None) -> Any:
    if ports is None or word.startswith("@"):
        return word
    first, mark, last = word.partition("-")
    if mark:
        return {"range": [int(numbered(first, ports)), int(numbered(last, ports))]}
    return int(numbered(word, ports))
