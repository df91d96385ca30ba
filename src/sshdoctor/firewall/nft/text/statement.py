"""One rule of nft, statement by statement, in the words of its JSON (libnftables-json(5)).

What is not understood is a statement that says so, with all that follows it in the rule: what comes of a
packet that gets there cannot be told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sshdoctor.firewall.nft.text import effects
from sshdoctor.firewall.nft.text.address import nat_target
from sshdoctor.firewall.nft.text.expression import (
    comparison,
    elements_or_name,
    expression,
)
from sshdoctor.firewall.nft.text.tokens import NotUnderstoodError, Reader

Statement = Any

NOT_UNDERSTOOD = "not understood"


def rule(reader: Reader) -> tuple[list[Statement], str]:
    """The statements up to the end of the line, and its text. It never fails."""
    begin = reader.place
    found: list[Statement] = []
    while reader.kind != "end" and reader.sign != "}":
        before = reader.place
        try:
            found.extend(_statement(reader))
            if reader.place == before:
                raise NotUnderstoodError(reader.text)
        except (NotUnderstoodError, ValueError, IndexError, RecursionError):
            reader.place = before
            _to_the_end(reader)
            found.append({NOT_UNDERSTOOD: reader.said(before)})
            break
    return found, reader.said(begin)


def _to_the_end(reader: Reader) -> None:
    depth = 0
    while (token := reader.token) is not None:
        if depth == 0 and (token.kind == "end" or reader.sign == "}"):
            return
        depth += {"{": 1, "}": -1}.get(token.text, 0) if token.kind == "sign" else 0
        reader.place += 1


def _statement(reader: Reader) -> list[Statement]:
    word = reader.text
    if reader.kind == "xt":
        return [{"xt": {"type": "match", "name": reader.take()}}]
    known = _STATEMENTS.get(word) if reader.kind == "word" else None
    if known is not None:
        found = known(reader)
        if found is not None:
            return found if isinstance(found, list) else [found]
    return [_match(reader)]


def _match(reader: Reader) -> Statement:
    """A comparison, a verdict map, or the setting of a field."""
    left = expression(reader)
    if reader.accept("vmap"):
        return {"vmap": {"key": left, "data": elements_or_name(reader, verdict)}}
    if reader.accept("set"):
        return _setting(left, reader)
    if (isinstance(left, dict) and (set(left) & {"map"})) or not isinstance(left, dict):
        raise NotUnderstoodError(str(left))
    return comparison(reader, left)


def _setting(left: Any, reader: Reader) -> Statement:
    found = [expression(reader)]
    while reader.accept(","):
        found.append(expression(reader))
    value = found[0] if len(found) == 1 else found
    key = left.get("ct", {}).get("key") if isinstance(left, dict) else None
    if key in ("helper", "timeout", "expectation"):
        return {f"ct {key}": value}
    return {"mangle": {"key": left, "value": value}}


def verdict(reader: Reader) -> Statement:
    """accept, drop, jump and the like. Raises NotUnderstoodError for anything else."""
    word = reader.take()
    if word in ("accept", "drop", "return", "continue"):
        return {word: None}
    if word in ("jump", "goto"):
        return _jump(word, reader)
    if word == "queue":
        reader.place -= 1
        return effects.queue(reader)
    raise NotUnderstoodError(word)


def _jump(word: str, reader: Reader) -> Statement:
    """To a chain by name, or to one that stands in braces here."""
    if not reader.accept("{"):
        return {word: {"target": reader.take()}}
    rules: list[Any] = []
    reader.skip_ends()
    while not reader.accept("}"):
        if reader.token is None:
            raise NotUnderstoodError("a chain that is not closed")
        statements, text = rule(reader)
        rules.append({"expr": statements, "text": text})
        reader.skip_ends()
    return {word: {"rules": rules}}


def _flow(reader: Reader) -> Statement:
    """``flow add @ft``; an older nft wrote meters so."""
    if reader.after() not in ("add", "offload"):
        return _meter(reader)
    reader.take()
    reader.take()
    return {"flow": {"op": "add", "flowtable": reader.take()}}


def _meter(reader: Reader) -> Statement:
    reader.take()
    reader.accept("table")
    name = "" if reader.text == "{" else reader.take()
    if reader.accept("size"):
        reader.take()
    key, statements, _ = _braced_key(reader)
    return {"meter": {"name": name, "key": key, "stmt": statements}}


def _braced_key(reader: Reader) -> tuple[Any, list[Statement], Any]:
    """``{ KEY timeout 10s STATEMENTS : DATA }``"""
    reader.expect("{")
    key, statements, data = expression(reader), list[Statement](), None
    while not reader.accept("}"):
        if reader.accept("timeout", "expires"):
            reader.take()
        elif reader.accept(":"):
            data = expression(reader)
        elif reader.accept("comment"):
            reader.take()
        else:
            statements.extend(_statement(reader))
    return key, statements, data


def _update(reader: Reader) -> Statement | None:
    """``add @set { ip saddr timeout 10s }``."""
    if not reader.after().startswith("@"):
        return None
    operation, name = reader.take(), reader.take()
    key, statements, data = _braced_key(reader)
    if data is not None:
        return {"map": {"op": operation, "elem": key, "data": data, "map": name, "stmt": statements}}
    return {"set": {"op": operation, "elem": key, "set": name, "stmt": statements}}


def _old_update(reader: Reader) -> Statement | None:
    """``set add ip saddr @blocked``, as nft wrote it before 0.9."""
    if reader.after() not in ("add", "update"):
        return None
    reader.take()
    operation = reader.take()
    key = expression(reader)
    if reader.accept("timeout"):
        reader.take()
    return {"set": {"op": operation, "elem": key, "set": reader.take()}}


_STATEMENTS: dict[str, Callable[[Reader], Any]] = {
    **dict.fromkeys(("accept", "drop", "return", "continue", "jump", "goto"), verdict),
    **dict.fromkeys(("snat", "dnat", "masquerade", "redirect", "tproxy"), nat_target),
    **dict.fromkeys(("add", "update", "delete"), _update),
    **dict.fromkeys(("dup", "fwd"), effects.copy),
    "counter": effects.counter,
    "limit": effects.limit,
    "quota": effects.quota,
    "last": effects.last,
    "log": effects.log,
    "reject": effects.reject,
    "queue": effects.queue,
    "notrack": effects.notrack,
    "flow": _flow,
    "meter": _meter,
    "set": _old_update,
    "reset": effects.reset_option,
    "synproxy": effects.synproxy,
    "ct": effects.count,
    "xt": effects.of_iptables,
    "comment": effects.comment,
}
