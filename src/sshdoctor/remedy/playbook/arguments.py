"""An action's arguments: from what the playbook says to what its body is given."""

from __future__ import annotations

import shlex
import types
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from types import ModuleType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from msgspec import NODEFAULT
from msgspec.structs import fields

from sshdoctor.remedy.modules import name_of
from sshdoctor.remedy.playbook.ere import to_ere
from sshdoctor.remedy.playbook.expression import ShellText, as_text

_YES, _NO = ("yes", "true", "on", "1", "y", "t"), ("no", "false", "off", "0", "n", "f", "")


def faults(action: ModuleType, arguments: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with ``arguments`` as they stand in the file: the key, and what would be right."""
    if not hasattr(action, "ARGUMENTS"):
        return
    table = _table(action)
    aliases = _aliases(action)
    for key in arguments:
        if aliases.get(key, key) not in table or key in getattr(action, "COMPILED", ()):
            close = get_close_matches(str(key), [*table, *aliases], n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(table)}"
            yield key, f"{name_of(action)} has no argument {key!r} here; {hint}"
    given = {aliases.get(key, key) for key in arguments}
    for name, (_, required) in table.items():
        if required and name not in given:
            yield "", f"{name_of(action)} needs {name}"
    for key, value in arguments.items():
        name = aliases.get(key, key)
        if name in table and not _has_template(value):
            try:
                _converted(action, name, value)
            except ValueError as error:
                yield key, f"{name_of(action)}: {key}: {error}"


def bind(action: ModuleType, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments by field name, converted to the field's type; Shell stays Shell where text is wanted.

    Raises ValueError for a value of another type, and what ``action.faults`` says.
    """
    aliases = _aliases(action)
    bound = {}
    for key, value in arguments.items():
        name = aliases.get(key, key)
        try:
            bound[name] = _converted(action, name, value)
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from None
    check = getattr(action, "faults", None)
    if check:
        plain = {name: _plain(value) for name, value in bound.items()}
        for fault in check(action.ARGUMENTS(**plain)):
            raise ValueError(fault)
    defaults = {f.name: f.default for f in fields(action.ARGUMENTS) if f.default is not NODEFAULT}
    return {**defaults, **bound}


def _plain(value: Any) -> Any:
    """What can be looked at beforehand: nothing of what only the host will say."""
    if isinstance(value, tuple):
        return tuple(_plain(item) for item in value)
    return "" if isinstance(value, ShellText) else value


def _converted(action: ModuleType, name: str, value: Any) -> Any:
    kind, _ = _table(action)[name]
    if name in getattr(action, "PATTERNS", ()) and isinstance(value, ShellText):
        raise ValueError("a pattern must be known before the playbook runs")
    if name in getattr(action, "PATTERNS", ()) and isinstance(value, str) and value not in ("EOF", "BOF"):
        return to_ere(value)
    if name in getattr(action, "WORDS", ()) and isinstance(value, str):
        return tuple(shlex.split(value))
    if name == "mode" and isinstance(value, int) and not isinstance(value, bool):
        return f"{value:04o}"  # YAML reads 0644 as an octal number
    return _as(kind, value)


def _as(kind: Any, value: Any) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (types.UnionType, Union):
        return None if value is None else _as(next(k for k in inner if k is not type(None)), value)
    if isinstance(value, ShellText):
        if kind is str:
            return value
        raise ValueError("must be known before the playbook runs, not a registered result")
    if origin is Literal:
        if as_text(value) not in [as_text(word) for word in inner]:
            raise ValueError(f"one of {', '.join(map(as_text, inner))}, not {value!r}")
        return as_text(value)
    if origin is tuple:
        items = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else [value]
        return tuple(_as(inner[0], item.strip() if isinstance(value, str) else item) for item in items)
    if kind is bool:
        if as_text(value).lower() in _YES + _NO:
            return as_text(value).lower() in _YES
        raise ValueError(f"yes or no, not {value!r}")
    if kind in (int, float):
        try:
            return kind(value)
        except (TypeError, ValueError):
            raise ValueError(f"a number, not {value!r}") from None
    if isinstance(value, dict | list) or value is None:
        raise ValueError(f"text, not {value!r}")
    return as_text(value)


@cache
def _table(action: ModuleType) -> dict[str, tuple[Any, bool]]:
    hints = get_type_hints(action.ARGUMENTS)
    return {f.name: (hints[f.name], f.default is NODEFAULT) for f in fields(action.ARGUMENTS)}


def _aliases(action: ModuleType) -> Mapping[str, str]:
    aliases: Mapping[str, str] = getattr(action, "ALIASES", {})
    return aliases


def _has_template(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_template(item) for item in value.values())
    if isinstance(value, list):
        return any(_has_template(item) for item in value)
    return isinstance(value, str) and ("{{" in value or "{%" in value)
