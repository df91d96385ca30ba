"""nft's expressions: fields joined and masked, what they are compared with, sets and maps."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sshdoctor.firewall.nft.text import words
from sshdoctor.firewall.nft.text.primaries import primary
from sshdoctor.firewall.nft.text.tokens import NotUnderstoodError, Reader
from sshdoctor.firewall.nft.text.values import atom, concatenated, value

_BINARY = frozenset(("&", "|", "^", "<<", ">>", "and", "or", "xor", "lshift", "rshift"))
_RELATIONS = frozenset(("==", "!=", "<", ">", "<=", ">=", "!", "eq", "ne", "neq", "lt", "gt", "le", "lte",
                        "ge", "gte"))  # fmt: skip
_TIGHT = {"<<": 0, ">>": 0, "&": 1, "^": 2, "|": 3}

Data = Callable[[Reader], Any]
"""Reads what an element of a map gives."""


def expression(reader: Reader) -> Any:
    """A field or a constant, with all that is joined to it; and the map that it is looked up in."""
    parts = [_joined(reader)]
    while reader.accept("."):
        parts.append(_joined(reader))
    found = parts[0] if len(parts) == 1 else {"concat": parts}
    if reader.accept("map"):
        return {"map": {"key": found, "data": elements_or_name(reader, concatenated_or_expression)}}
    return found


def concatenated_or_expression(reader: Reader) -> Any:
    found = primary(reader)
    return concatenated(reader) if found is None else found


def _joined(reader: Reader) -> Any:
    """Binary operators by how tightly they bind."""
    values, operators = [_single(reader)], list[str]()
    while reader.text in _BINARY and reader.kind in ("word", "sign"):
        operators.append(words.SYMBOLS.get(reader.text, reader.text))
        reader.take()
        values.append(_single(reader))
    for level in range(4):
        place = 0
        while place < len(operators):
            if _TIGHT[operators[place]] == level:
                values[place : place + 2] = [{operators.pop(place): values[place : place + 2]}]
            else:
                place += 1
    return values[0]


def _single(reader: Reader) -> Any:
    if reader.accept("("):
        found = _joined(reader)
        while reader.accept(","):
            found = {"|": [found, _joined(reader)]}
        reader.expect(")")
        return found
    found = primary(reader)
    return value(reader) if found is None else found


def comparison(reader: Reader, left: Any) -> dict[str, Any]:
    """What stands right of a field: an operator, and what it is compared with."""
    operator = ""
    if reader.text in _RELATIONS and reader.kind in ("word", "sign"):
        operator = words.SYMBOLS.get(reader.text, reader.text)
        reader.take()
    flags = left in words.BITS
    right = _right(reader)
    if reader.accept("/"):
        mask = _alternatives(reader)
        return {"match": {"op": operator or "==", "left": {"&": [left, mask]}, "right": right}}
    if flags and not operator and not (isinstance(right, dict) and "set" in right):
        operator = "in"
    found = {"op": operator or "==", "left": left, "right": right}
    return {"match": _bits_asked(found)}


def _bits_asked(found: dict[str, Any]) -> dict[str, Any]:
    """``tcp flags & syn != 0`` asks whether one of the bits is there, as ``tcp flags syn`` does."""
    left = found["left"]
    if isinstance(left, dict) and "&" in left and left["&"][0] in words.BITS and found["right"] == 0:
        operator = {"!=": "in", "==": "!"}.get(found["op"])
        if operator:
            return {"op": operator, "left": left["&"][0], "right": left["&"][1]}
    return found


def _right(reader: Reader) -> Any:
    if reader.sign == "{":
        return {"set": elements(reader, None)}
    if reader.kind == "word" and reader.text.startswith("@"):
        return reader.take()
    return _alternatives(reader)


def _alternatives(reader: Reader) -> Any:
    """``new,established``, ``syn | ack``: flags of which any may be set, or one value."""
    found = [expression(reader)]
    while reader.accept(","):
        found.append(expression(reader))
    return found[0] if len(found) == 1 else found


def elements_or_name(reader: Reader, data: Data | None) -> Any:
    """``@name``, or the elements between braces."""
    if reader.kind == "word" and reader.text.startswith("@"):
        return reader.take()
    return {"set": elements(reader, data)}


def elements(reader: Reader, data: Data | None) -> list[Any]:
    """The elements between braces; with ``data``, pairs of a key and what the map gives for it."""
    reader.expect("{")
    found: list[Any] = []
    reader.skip_ends()
    while not reader.accept("}"):
        if data is None and reader.kind == "word" and reader.after() in (",", "}"):
            found.append(atom(reader.take()))  # most elements of long sets are a word
        elif reader.sign == "{":
            found.extend(elements(reader, data))  # a variable that holds a set
        else:
            found.append(_element(reader, data))
        reader.skip_ends()
        if not reader.accept(","):
            reader.skip_ends()
            reader.expect("}")
            return found
        reader.skip_ends()
    return found


def _element(reader: Reader, data: Data | None) -> Any:
    if data is not None:
        _part_key(reader)
    key = {"*": "*"}.get(reader.text) or _key(reader, data is not None)
    if key == "*":
        reader.take()
    _skip_options(reader)
    if data is None:
        return key
    if not reader.accept(":"):
        raise NotUnderstoodError("an element of a map without ':'")
    reader.skip_ends()
    found = data(reader)
    _skip_options(reader)
    return [key, found]


def _key(reader: Reader, of_map: bool) -> Any:
    parts = [_key_part(reader)]
    while reader.accept("."):
        if of_map:
            _part_key(reader)
        parts.append(_key_part(reader))
    return parts[0] if len(parts) == 1 else {"concat": parts}


def _key_part(reader: Reader) -> Any:
    found = value(reader)
    while reader.accept("|"):
        found = {"|": [found, value(reader)]}
    if reader.accept("&"):
        raise NotUnderstoodError("a mask in a set")
    return found


_OPTIONS = frozenset(("timeout", "expires", "comment", "counter", "limit", "quota", "last", "ct"))


def _skip_options(reader: Reader) -> None:
    """A timeout, a counter, a comment: none of these changes what the element is."""
    if reader.text not in _OPTIONS or reader.kind != "word":
        return
    while (
        reader.kind != "end"
        and reader.sign not in (",", "}")
        and not (reader.kind == "word" and reader.text == ":")
    ):
        reader.take()


_LONG = re.compile(
    r"(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}|(?=[0-9a-fA-F]*:[0-9a-fA-F.]*:)[0-9a-fA-F:.]*(?:/\d+)?"
)


def _part_key(reader: Reader) -> None:
    """``22:accept`` and ``22: accept`` are a key, a colon, and what the map gives."""
    text = reader.text
    if reader.kind != "word" or ":" not in text or text == ":":
        return
    key, colon, rest = text.rpartition(":")
    if _LONG.fullmatch(text) and not (text.endswith(":") and not text.endswith("::")):
        return
    reader.take()
    reader.put_back(*(part for part in (key, colon, rest) if part))
