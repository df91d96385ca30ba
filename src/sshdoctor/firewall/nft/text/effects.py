"""Statements of nft that stand for themselves: what they count, log, refuse, queue or copy."""

from __future__ import annotations

from typing import Any

from sshdoctor.firewall.nft.text.expression import (
    concatenated_or_expression,
    elements_or_name,
    expression,
)
from sshdoctor.firewall.nft.text.primaries import primary
from sshdoctor.firewall.nft.text.tokens import NotUnderstoodError, Reader
from sshdoctor.firewall.nft.text.values import atom

Statement = Any


def counter(reader: Reader) -> Statement:
    reader.take()
    if reader.accept("name"):
        return {"counter": _named(reader)}
    while reader.text in ("packets", "bytes"):
        reader.take()
        reader.take()
    return {"counter": None}


def _named(reader: Reader) -> Any:
    """The name of an object, or what a map gives for a packet."""
    if reader.kind == "string" or _is_no_field(reader):
        return reader.take()
    return expression(reader)


def _is_no_field(reader: Reader) -> bool:
    place = reader.place
    absent = primary(reader) is None
    reader.place = place
    return absent


def limit(reader: Reader) -> Statement:
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


def quota(reader: Reader) -> Statement:
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


def last(reader: Reader) -> Statement:
    reader.take()
    if reader.accept("used"):
        reader.take()
    return {"last": None}


_LOG_VALUES = ("prefix", "level", "group", "snaplen", "queue-threshold")


def log(reader: Reader) -> Statement:
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


def reject(reader: Reader) -> Statement:
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


def queue(reader: Reader) -> Statement:
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


def notrack(reader: Reader) -> Statement:
    return {reader.take(): None}


def synproxy(reader: Reader) -> Statement:
    reader.take()
    if reader.accept("name"):
        return {"synproxy": _named(reader)}
    while reader.text in ("mss", "wscale", "timestamp", "sack-perm"):
        if reader.take() in ("mss", "wscale"):
            reader.take()
    return {"synproxy": {}}


def copy(reader: Reader) -> Statement:
    """dup and fwd: to an address, a device, or both."""
    word = reader.take()
    found: dict[str, Any] = {}
    reader.accept("ip", "ip6")
    reader.expect("to")
    found["addr"] = expression(reader)
    if reader.accept("device"):
        found["dev"] = reader.take()
    return {word: found}


def count(reader: Reader) -> Statement | None:
    """``ct count over 10``; everything else of ct is a field."""
    if reader.after() != "count":
        return None
    reader.take()
    reader.take()
    over = reader.accept("over")
    return {"ct count": {"val": atom(reader.take()), "inv": over}}


def of_iptables(reader: Reader) -> Statement:
    reader.take()
    kind = reader.take()
    return {"xt": {"type": kind, "name": reader.take()}}


def comment(reader: Reader) -> list[Statement]:
    reader.take()
    reader.take()
    return []


def reset_option(reader: Reader) -> Statement | None:
    if reader.after() != "tcp":
        return None
    reader.take()
    return {"reset": primary(reader)}
