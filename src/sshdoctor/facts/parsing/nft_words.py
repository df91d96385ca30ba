"""One rule of nft's language, in the words of its JSON (libnftables-json(5))."""

from __future__ import annotations

import re
import socket
from typing import Any

_VERDICTS = ("accept", "drop", "return", "continue")
_PAYLOADS = {
    "tcp": ("dport", "sport"),
    "udp": ("dport", "sport"),
    "th": ("dport", "sport"),
    "ip": ("saddr", "daddr", "protocol"),
    "ip6": ("saddr", "daddr", "nexthdr"),
    "icmp": ("type",),
    "icmpv6": ("type",),
}
_META = ("iif", "iifname", "oif", "oifname", "l4proto", "nfproto")
_OPERATORS = ("==", "!=", "<", ">", "<=", ">=")
_UNREAD = {"match": "not understood"}
"""The model cannot decide it."""


def rule(words: list[str]) -> list[Any]:
    """The statements of a rule; what is not understood is there as one that cannot be decided."""
    found: list[Any] = []
    rest = list(words)
    while rest and rest[0] != "comment":
        before = len(rest)
        statement = _statement(rest)
        if statement is None or len(rest) == before:
            return [*found, _UNREAD, *_end(rest)]
        found += statement
    return found


def _end(rest: list[str]) -> list[Any]:
    """The verdict at the end of a rule whose middle is not understood; without one, it may do anything."""
    for at in range(len(rest)):
        tail = rest[at:]
        verdict = _verdict(tail)
        if verdict is not None and (not tail or tail[0] == "comment"):
            return [verdict]
    return [{"a statement": " ".join(rest)}]


def _statement(rest: list[str]) -> list[Any] | None:
    """The next statement, taken away from ``rest``; None for one that is not understood."""
    if rest[0] == "counter":
        del rest[: 5 if rest[1:2] == ["packets"] else 1]
        return [{"counter": None}]
    if rest[0] == "log":
        del rest[0]
        while rest and rest[0] in ("prefix", "level", "flags", "group", "snaplen", "queue-threshold"):
            del rest[:2]
        return [{"log": None}]
    verdict = _verdict(rest)
    return [verdict] if verdict is not None else _match(rest)


def _verdict(rest: list[str]) -> dict[str, Any] | None:
    word = rest[0]
    if word in _VERDICTS:
        del rest[0]
        return {word: None}
    if word in ("jump", "goto") and len(rest) > 1:
        target = rest[1]
        del rest[:2]
        return {word: {"target": target}}
    return _reject(rest) if word == "reject" else None


def _reject(rest: list[str]) -> dict[str, Any] | None:
    if rest[1:2] != ["with"]:
        del rest[0]
        return {"reject": None}
    if rest[2:4] == ["tcp", "reset"]:
        del rest[:4]
        return {"reject": {"type": "tcp reset"}}
    kind, code = rest[2:3], [word for word in rest[3:5] if word != "type"][:1]
    if kind not in (["icmp"], ["icmpv6"], ["icmpx"]) or not code:
        return None
    del rest[: rest.index(code[0], 3) + 1]
    return {"reject": {"type": kind[0], "expr": code[0]}}


def _match(rest: list[str]) -> list[Any] | None:
    field = _field(rest)
    if field is None:
        return None
    if rest[:2] == ["vmap", "{"]:
        data = _vmap(_braces(rest, 1))
        return None if data is None else [{"vmap": {"key": field, "data": {"set": data}}}]
    op = rest.pop(0) if rest[0] in _OPERATORS else "=="
    if rest[0] == "{":
        return [_compared(op, field, {"set": values(_braces(rest, 0))})]
    first = [value(rest.pop(0))]
    while rest[:1] == [","]:
        first.append(value(rest[1]))
        del rest[:2]
    if len(first) > 1:
        return [_compared("in" if op == "==" else op, field, first)]
    return [_compared("in" if "ct" in field and op == "==" else op, field, first[0])]


def _compared(op: str, left: Any, right: Any) -> dict[str, Any]:
    return {"match": {"op": op, "left": left, "right": right}}


def _field(rest: list[str]) -> dict[str, Any] | None:
    word, following = rest[0], rest[1] if len(rest) > 1 else ""
    if word in _META:
        del rest[0]
        return {"meta": {"key": word}}
    if word == "meta" and following in _META:
        del rest[:2]
        return {"meta": {"key": following}}
    if word == "ct" and following in ("state", "status"):
        del rest[:2]
        return {"ct": {"key": following}}
    if following in _PAYLOADS.get(word, ()):
        del rest[:2]
        return {"payload": {"protocol": word, "field": following}}
    return None


def _braces(rest: list[str], at: int) -> list[str]:
    """The words between the braces that open at ``at``; they and all before them are taken away."""
    end = rest.index("}", at)
    found = rest[at + 1 : end]
    del rest[: end + 1]
    return found


def _vmap(words: list[str]) -> list[Any] | None:
    pairs = []
    for pair in " ".join(words).split(","):
        key, colon, verdict = pair.partition(":")
        said = _verdict(verdict.split()) if colon and verdict.split() else None
        if said is None:
            return None
        pairs.append([value(key.strip()), said])
    return pairs


def values(words: list[str]) -> list[Any]:
    """The elements between the braces of a set."""
    return [value(word) for word in " ".join(words).replace(" ", "").split(",") if word]


def value(word: str) -> Any:
    """One right-hand side: a number, a port by its name, a range, a prefix, or a word."""
    plain = word.strip('"')
    if plain != word or word.startswith("@"):
        return plain
    if word.isdecimal():
        return int(word)
    if found := re.fullmatch(r"(\d+)-(\d+)", word):
        return {"range": [int(found[1]), int(found[2])]}
    if found := re.fullmatch(r"([\da-fA-F.:]+)-([\da-fA-F.:]+)", word):
        return {"range": [found[1], found[2]]}
    if found := re.fullmatch(r"([\da-fA-F.:]+)/(\d+)", word):
        return {"prefix": {"addr": found[1], "len": int(found[2])}}
    return word if word in _WORDS else _port(word)


_WORDS = ("established", "related", "new", "invalid", "untracked", "tcp", "udp", "icmp", "icmpv6", "lo")


def _port(word: str) -> Any:
    """The number of a service, by services(5); any other word is itself."""
    try:
        return socket.getservbyname(word, "tcp")
    except OSError:
        return word
