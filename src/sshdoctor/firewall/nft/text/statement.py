"""One rule of nft, statement by statement, in the words of its JSON (libnftables-json(5)).

What is not understood is a statement that says so, with all that follows it in the rule: what comes of a
packet that gets there cannot be told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sshdoctor.firewall.nft.text.address import nat_target
from sshdoctor.firewall.nft.text.expression import (
    comparison,
    concatenated_or_expression,
    elements_or_name,
    expression,
)
from sshdoctor.firewall.nft.text.primaries import primary
from sshdoctor.firewall.nft.text.tokens import NotUnderstoodError, Reader
from sshdoctor.firewall.nft.text.values import atom

Statement = Any
Inner = Callable[[Reader], list[Statement]]

NOT_UNDERSTOOD = "not understood"


def rule(reader: Reader) -> tuple[list[Statement], str]:
    """The statements up to the end of the line, and its text. It never fails."""
    begin = reader.place
    found: list[Statement] = []
    reader.handle = None
    while reader.kind != "end" and reader.sign != "}":
        before = reader.place
        try:
            found.extend(_statement(reader))
            if reader.place == before:
                raise NotUnderstoodError(reader.text)
        except (NotUnderstoodError, ValueError, IndexError):
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
        return _queue(reader)
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


def _counter(reader: Reader) -> Statement:
    reader.take()
    if reader.accept("name"):
        return {"counter": _named(reader)}
    while reader.text in ("packets", "bytes"):
        reader.take()
        reader.take()
    return {"counter": None}


def _named(reader: Reader) -> Any:
    """The name of an object, or what a map gives for a packet."""
    if reader.kind == "string" or primary_is_absent(reader):
        return reader.take()
    return expression(reader)


def primary_is_absent(reader: Reader) -> bool:
    place = reader.place
    absent = primary(reader) is None
    reader.place = place
    return absent


def _limit(reader: Reader) -> Statement:
    reader.take()
    if reader.accept("name"):
        return {"limit": _named(reader)}
    reader.expect("rate")
    over = reader.accept("over")
    _rate(reader)
    if reader.accept("burst"):
        reader.take()
        reader.accept("packets", "bytes", "kbytes", "mbytes")
    return {"limit": {"rate": 0, "inv": over}}


def _rate(reader: Reader) -> None:
    """``3/minute``, ``1 mbytes/second``, ``3 / minute``."""
    while True:
        word = reader.take()
        if word == "/":
            reader.take()
            return
        if "/" in word:
            if word.endswith("/"):
                reader.take()
            return


def _quota(reader: Reader) -> Statement:
    reader.take()
    if reader.accept("name"):
        return {"quota": _named(reader)}
    over = reader.text == "over"
    reader.accept("over", "until")
    found = {"quota": {"val": atom(reader.take()), "val_unit": reader.take(), "inv": over}}
    if reader.accept("used"):
        reader.take()
        reader.take()
    return found


def _last(reader: Reader) -> Statement:
    reader.take()
    if reader.accept("used"):
        reader.take()
    return {"last": None}


_LOG_VALUES = ("prefix", "level", "group", "snaplen", "queue-threshold")


def _log(reader: Reader) -> Statement:
    reader.take()
    while reader.text in (*_LOG_VALUES, "flags") and reader.kind == "word":
        if reader.take() == "flags":
            _log_flags(reader)
        else:
            reader.take()
    return {"log": None}


def _log_flags(reader: Reader) -> None:
    if reader.take() in ("tcp", "ip"):
        reader.take()
        while reader.accept(","):
            reader.take()


def _reject(reader: Reader) -> Statement:
    reader.take()
    if not reader.accept("with"):
        return {"reject": None}
    kind = reader.take()
    if kind == "tcp":
        reader.expect("reset")
        return {"reject": {"type": "tcp reset"}}
    reader.accept("type", "code")
    if kind not in ("icmp", "icmpv6", "icmpx"):
        raise NotUnderstoodError(kind)
    return {"reject": {"type": kind, "expr": atom(reader.take())}}


def _queue(reader: Reader) -> Statement:
    reader.take()
    found: dict[str, Any] = {}
    flags: list[str] = []
    while True:
        if reader.accept("num", "to"):
            found["num"] = concatenated_or_expression(reader)
            if reader.accept("map"):
                found["num"] = {"map": {"key": found["num"], "data": elements_or_name(reader, expression)}}
        elif reader.text in ("flags", "bypass", "fanout", "options"):
            if reader.text in ("flags", "options"):
                reader.take()
            flags.append(reader.take())
        elif not (flags and reader.accept(",")):
            break
    return {"queue": {**found, "flags": flags}}


def _notrack(reader: Reader) -> Statement:
    return {reader.take(): None}


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


def _reset(reader: Reader) -> Statement | None:
    if reader.after() != "tcp":
        return None
    reader.take()
    return {"reset": primary(reader)}


def _synproxy(reader: Reader) -> Statement:
    reader.take()
    if reader.accept("name"):
        return {"synproxy": _named(reader)}
    while reader.text in ("mss", "wscale", "timestamp", "sack-perm"):
        if reader.take() in ("mss", "wscale"):
            reader.take()
    return {"synproxy": {}}


def _copy(reader: Reader) -> Statement:
    """dup and fwd: to an address, a device, or both."""
    word = reader.take()
    found: dict[str, Any] = {}
    reader.accept("ip", "ip6")
    reader.expect("to")
    found["addr"] = expression(reader)
    if reader.accept("device"):
        found["dev"] = reader.take()
    return {word: found}


def _ct(reader: Reader) -> Statement | None:
    """``ct count over 10``; everything else of ct is a field."""
    if reader.after() != "count":
        return None
    reader.take()
    reader.take()
    over = reader.accept("over")
    return {"ct count": {"val": atom(reader.take()), "inv": over}}


def _xt(reader: Reader) -> Statement:
    reader.take()
    kind = reader.take()
    return {"xt": {"type": kind, "name": reader.take()}}


def _comment(reader: Reader) -> list[Statement]:
    reader.take()
    reader.take()
    return []


_STATEMENTS: dict[str, Callable[[Reader], Any]] = {
    **dict.fromkeys(("accept", "drop", "return", "continue", "jump", "goto"), verdict),
    **dict.fromkeys(("snat", "dnat", "masquerade", "redirect", "tproxy"), nat_target),
    **dict.fromkeys(("add", "update", "delete"), _update),
    **dict.fromkeys(("dup", "fwd"), _copy),
    "counter": _counter,
    "limit": _limit,
    "quota": _quota,
    "last": _last,
    "log": _log,
    "reject": _reject,
    "queue": _queue,
    "notrack": _notrack,
    "flow": _flow,
    "meter": _meter,
    "set": _old_update,
    "reset": _reset,
    "synproxy": _synproxy,
    "ct": _ct,
    "xt": _xt,
    "comment": _comment,
}
