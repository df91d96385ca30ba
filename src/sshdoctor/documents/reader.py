"""YAML files in, plain data out, with the line of every key: the only place that knows PyYAML."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from sshdoctor.errors import DocumentError

try:
    from yaml import CSafeLoader as _BaseLoader
except ImportError:  # PyYAML built without libyaml: slower, same result
    from yaml import SafeLoader as _BaseLoader  # type: ignore[assignment]  # same interface


class Block(dict[Any, Any]):
    """A YAML mapping that remembers where it stands: ``line``, and ``lines`` by key (1-based)."""

    line: int
    lines: dict[Any, int]


MOST_TOLD = 20
"""Of so many wrong words of one list a person is told; to look for what was meant by each takes time."""


class BlockReader:
    """Reads the mappings of one file; what is wrong is collected in ``faults``, and it goes on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.faults: list[str] = []

    def keys(self, block: Block, known: Iterable[str]) -> None:
        """No other keys than ``known`` may stand there."""
        for key in islice((key for key in block if key not in known), MOST_TOLD):
            self.at(block, key, f"unknown key {key!r}{suggest(str(key), known)}; known: {', '.join(known)}")

    def text(self, block: Block, key: str, *, required: bool = True) -> str:
        value = block.get(key, None if required else "")
        if not isinstance(value, str) or (required and not value.strip()):
            self.at(
                block, key, f"{key} is missing" if value is None else f"{key} must be text, not {value!r}"
            )
            return ""
        return value

    def words(self, block: Block, key: str) -> tuple[str, ...]:
        value = block.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.at(block, key, f"{key} must be a list of words, such as [a, b], not {value!r}")
            return ()
        return tuple(value)

    def truth(self, block: Block, key: str, default: bool) -> bool:
        value = block.get(key, default)
        if not isinstance(value, bool):
            self.at(block, key, f"{key} is true or false, not {value!r}")
        return bool(value)

    def mapping(self, block: Block, key: str) -> Block:
        value = block.get(key)
        if isinstance(value, Block):
            return value
        if value is not None:
            self.at(block, key, f"{key} is a mapping, not {value!r}")
        empty = Block()
        empty.line, empty.lines = block.line, {}
        return empty

    def at(self, block: Block, key: object, what: str) -> None:
        """A fault in the line of ``key``, or of the mapping where the key is missing."""
        self.fault(block.lines.get(key, block.line), what)

    def fault(self, line: int, what: str) -> None:
        self.faults.append(f"{self.path}:{line}: {what}")


def suggest(word: str, known: Iterable[str]) -> str:
    """The word of ``known`` that may have been meant, as the end of a message; "" if none is close."""
    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


class Vaulted(str):
    """The text behind Ansible's ``!vault``: encrypted, so there is nothing to use."""

    __slots__ = ()


class _Loader(_BaseLoader):
    repeats_allowed = False
    repeats: list[tuple[int, str]]


def _mapping(loader: _Loader, node: yaml.MappingNode) -> Block:
    loader.flatten_mapping(node)
    section = Block()
    section.line, section.lines = node.start_mark.line + 1, {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        line = key_node.start_mark.line + 1
        try:
            repeated = key in section
        except TypeError:
            what = "a key must be a plain word"
            raise yaml.MarkedYAMLError(problem=what, problem_mark=key_node.start_mark) from None
        if repeated and not loader.repeats_allowed:
            loader.repeats.append((line, f"the key {key!r} stands twice, first in line {section.lines[key]}"))
        section[key] = loader.construct_object(value_node, deep=True)
        section.lines[key] = line
    return section


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("!vault", lambda loader, node: Vaulted(node.value))
_Loader.add_constructor("!vault-encrypted", lambda loader, node: Vaulted(node.value))
_Loader.add_constructor("!unsafe", lambda loader, node: str(node.value))


def parse_yaml(text: str, name: str, *, repeats_allowed: bool = False) -> Any:
    """The one document in ``text``: mappings as Block, lists, strings, numbers, None.

    ``name`` is the file's name in messages. Repeated keys are an error unless ``repeats_allowed``
    (Ansible takes the last). Raises DocumentError.

    >>> parse_yaml("a: 1\\nb: [x]\\n", "t.yml")["b"]
    ['x']
    """
    loader = _Loader(text)
    loader.repeats_allowed, loader.repeats = repeats_allowed, []
    try:
        data = loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise DocumentError(f"{name}:{line}: not YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DocumentError(f"{name}:1: not YAML: {str(error).splitlines()[0]}") from None
    finally:
        loader.dispose()
    if loader.repeats:
        raise DocumentError("\n".join(f"{name}:{line}: {what}" for line, what in loader.repeats))
    return data


def read_yaml(path: Path, *, repeats_allowed: bool = False) -> Any:
    """``parse_yaml`` of a file. Raises DocumentError, also where the file cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise DocumentError(f"{path}: cannot be read: {reason}") from None
    return parse_yaml(text, str(path), repeats_allowed=repeats_allowed)
