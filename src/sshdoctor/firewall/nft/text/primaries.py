"""What nft can ask a packet for, in the words of its JSON: payload, meta, ct, fib and the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sshdoctor.firewall.nft.text import words
from sshdoctor.firewall.nft.text.tokens import NotUnderstoodError, Reader
from sshdoctor.firewall.nft.text.values import atom


def primary(reader: Reader) -> Any:
    """The field that begins here, None if none does. Raises NotUnderstoodError for one that is cut off."""
    if reader.kind != "word":
        return None
    word, following = reader.text, reader.after()
    if word.startswith("@") and word.partition(",")[0] in ("@nh", "@th", "@ll", "@ih"):
        return _raw(reader)
    special = _SPECIAL.get((word, following)) or _SPECIAL.get((word, ""))
    if special is not None:
        found = special(reader)
        if found is not None:
            return found
    if following in words.FIELDS.get(word, ()):
        reader.take()
        field = reader.take()
        if word == "arp" and field in ("saddr", "daddr"):
            field = f"{field} {reader.take()}"
        return {"payload": {"protocol": word, "field": "dscp" if field == "tos" else field}}
    if word in words.HEADERS and (following in words.HEADERS[word] or _is_numbered(word, following)):
        return _header(reader)
    if word in words.BARE_META:
        return _meta_key(reader.take())
    return None


def _is_numbered(word: str, following: str) -> bool:
    return following.startswith(("addr[", "sid[")) and word in ("rt0", "rt2", "srh")


def _meta_key(key: str) -> Any:
    return {"meta": {"key": words.META_NAMES.get(key, key)}}


def _meta(reader: Reader) -> Any:
    if reader.after() not in words.META:
        return None
    reader.take()
    return _meta_key(reader.take())


def _raw(reader: Reader) -> Any:
    """``@nh,96,32``: base, offset and length in bits."""
    base = reader.take()[1:]
    reader.expect(",")
    offset = int(reader.take())
    reader.expect(",")
    return {"payload": {"base": base, "offset": offset, "len": int(reader.take())}}


def _ct(reader: Reader) -> Any:
    found: dict[str, Any] = {}
    reader.take()
    way = reader.text
    if reader.accept("original", "reply"):
        found["dir"] = way
    family = reader.text
    if reader.accept("ip", "ip6"):
        found["key"] = f"{family} {reader.take()}"
    else:
        found["key"] = reader.take()
    if found["key"].split()[-1] not in words.CT:
        raise NotUnderstoodError(f"ct {found['key']}")
    return {"ct": found}


def _fib(reader: Reader) -> Any:
    reader.take()
    flags = [reader.take()]
    while reader.accept("."):
        flags.append(reader.take())
    if not set(flags) <= words.FIB:
        raise NotUnderstoodError(f"fib {' . '.join(flags)}")
    result = reader.take()
    if result == "check":
        reader.take()
    return {"fib": {"result": result, "flags": flags}}


def _route(reader: Reader) -> Any:
    family = {"family": reader.after()} if reader.after() in ("ip", "ip6") else {}
    if not family and reader.after() not in words.RT:
        return None
    reader.take()
    if family:
        reader.take()
    return {"rt": {"key": reader.take(), **family}}


def _socket(reader: Reader) -> Any:
    reader.take()
    key = reader.take()
    if key not in words.SOCKET:
        raise NotUnderstoodError(f"socket {key}")
    if reader.accept("level"):
        reader.take()
    return {"socket": {"key": key}}


def _osf(reader: Reader) -> Any:
    reader.take()
    if reader.accept("ttl"):
        reader.take()
    return {"osf": {"key": reader.take()}}


def _ipsec(reader: Reader) -> Any:
    reader.take()
    found: dict[str, Any] = {"dir": reader.take(), "spnum": 0}
    if reader.accept("spnum"):
        found["spnum"] = int(reader.take())
    family = reader.text
    if reader.accept("ip", "ip6"):
        found["family"] = family
    return {"ipsec": {**found, "key": reader.take()}}


def _numgen(reader: Reader) -> Any:
    reader.take()
    found = {"mode": reader.take(), **_modulus(reader)}
    return {"numgen": {"offset": 0, **found}}


def _modulus(reader: Reader) -> dict[str, Any]:
    reader.expect("mod")
    found = {"mod": atom(reader.take())}
    while reader.text in ("offset", "seed"):
        key = reader.take()
        found[key] = atom(reader.take())
    return found


def _symhash(reader: Reader) -> Any:
    reader.take()
    return {"symhash": _modulus(reader)}


def _jhash(reader: Reader) -> Any:
    reader.take()
    parts = [primary(reader)]
    while reader.accept("."):
        parts.append(primary(reader))
    return {"jhash": {"expr": parts[0] if len(parts) == 1 else {"concat": parts}, **_modulus(reader)}}


def _header(reader: Reader) -> Any:
    name, field = reader.take(), reader.take()
    return {"exthdr": {"name": name, "field": field}}


def _exists(reader: Reader) -> Any:
    reader.take()
    return {"exthdr": {"name": reader.take()}}


def _tcp_option(reader: Reader) -> Any:
    reader.take()
    reader.take()
    name = reader.take()
    if name.startswith("@"):
        reader.expect(",")
        offset = int(reader.take())
        reader.expect(",")
        return {"tcp option": {"base": atom(name[1:]), "offset": offset, "len": int(reader.take())}}
    name = words.TCP_OPTIONS.get(name, name)
    found: dict[str, Any] = {"base": int(name), "offset": 0, "len": 8} if name.isdigit() else {"name": name}
    if reader.text in words.TCP_OPTION_FIELDS:
        found["field"] = reader.take()
    return {"tcp option": found}


def _ip_option(reader: Reader) -> Any:
    reader.take()
    reader.take()
    found = {"name": reader.take()}
    if reader.text in words.IP_OPTION_FIELDS:
        found["field"] = reader.take()
    return {"ip option": found}


def _chunk(reader: Reader) -> Any:
    reader.take()
    reader.take()
    found = {"name": reader.take()}
    if reader.kind == "word" and reader.text not in ("exists", "missing"):
        found["field"] = reader.take()
    return {"sctp chunk": found}


def _dccp_option(reader: Reader) -> Any:
    reader.take()
    reader.take()
    return {"dccp option": {"type": atom(reader.take())}}


_SPECIAL: dict[tuple[str, str], Callable[[Reader], Any]] = {
    ("meta", ""): _meta,
    ("ct", ""): _ct,
    ("fib", ""): _fib,
    ("rt", ""): _route,
    ("socket", ""): _socket,
    ("osf", ""): _osf,
    ("ipsec", ""): _ipsec,
    ("numgen", ""): _numgen,
    ("symhash", ""): _symhash,
    ("jhash", ""): _jhash,
    ("exthdr", ""): _exists,
    ("tcp", "option"): _tcp_option,
    ("ip", "option"): _ip_option,
    ("sctp", "chunk"): _chunk,
    ("dccp", "option"): _dccp_option,
}
