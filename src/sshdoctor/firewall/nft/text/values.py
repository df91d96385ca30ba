"""Constants of nft: numbers, addresses, prefixes, ranges, names, and the elements of sets and maps."""

from __future__ import annotations

import re
from typing import Any

from sshdoctor.firewall.nft.text.tokens import NotUnderstoodError, Reader

_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|\d+")
_FOUR = r"\d{1,3}(?:\.\d{1,3}){3}"
_SIX = r"[0-9a-fA-F]*:[0-9a-fA-F:.]*"
_ADDRESS = rf"(?:{_FOUR}|{_SIX})"
_RANGE = re.compile(rf"({_ADDRESS}|0[xX][0-9a-fA-F]+|\d+)-({_ADDRESS}|0[xX][0-9a-fA-F]+|\d+)")
_PREFIX = re.compile(rf"({_ADDRESS}|\d+)/(\d+)")


def atom(text: str) -> Any:
    """One word: a number, a prefix, a range, or the word itself.

    >>> atom("0x10"), atom("20-25"), atom("10.0.0.0/8"), atom("br-lan")
    (16, {'range': [20, 25]}, {'prefix': {'addr': '10.0.0.0', 'len': 8}}, 'br-lan')
    """
    if _NUMBER.fullmatch(text):
        return int(text, 16 if text[:2] in ("0x", "0X") else 10)
    if found := _PREFIX.fullmatch(text):
        return {"prefix": {"addr": atom(found[1]), "len": int(found[2])}}
    if found := _RANGE.fullmatch(text):
        return {"range": [atom(found[1]), atom(found[2])]}
    return text


def value(reader: Reader) -> Any:
    """The next constant, a range with blanks included."""
    kind, text = reader.kind, reader.take()
    if kind == "sign":
        raise NotUnderstoodError(f"expected a value, not {text!r}")
    low = text if kind == "string" else atom(text)
    if reader.kind == "word" and reader.text[:1] == "-" and len(reader.text) < 2:
        reader.take()
        kind, text = reader.kind, reader.take()
        return {"range": [low, text if kind == "string" else atom(text)]}
    return _TRUTHS.get(low, low) if kind == "word" and isinstance(low, str) else low


_TRUTHS: dict[str, Any] = {"exists": True, "missing": False}


def concatenated(reader: Reader) -> Any:
    """A constant, or several with dots between them."""
    parts = [value(reader)]
    while reader.accept("."):
        parts.append(value(reader))
    return parts[0] if len(parts) == 1 else {"concat": parts}
