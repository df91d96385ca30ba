"""Inventories in Ansible's INI dialect (``ansible.builtin.ini``)."""

from __future__ import annotations

import ast
import re
import shlex
import warnings
from collections.abc import Callable
from typing import Any

from sshdoctor.errors import InventoryError
from sshdoctor.inventory.groups import Inventory, Variable
from sshdoctor.inventory.names import expand, split_port

_SECTION = re.compile(r"\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?")
_GROUP = re.compile(r"([^:\]\s]+)\s*(?:#.*)?")


def read_ini(inventory: Inventory, text: str, file: str) -> None:
    """Read ``text`` into ``inventory``. Raises InventoryError.

    No message quotes more of a line than a host or group name: the rest may be a password.
    """
    reader = _IniReader(inventory, file)
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if line and line[0] not in "#;":
            reader.read(line, number)
    reader.finish()


def parse_value(text: str) -> Any:
    """A value as Ansible reads it, on host lines and in ``:vars``: a Python literal, or else the text.

    >>> parse_value("22"), parse_value("'22'"), parse_value("yes"), parse_value("True # on")
    (22, '22', 'yes', True)
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            return _plain(ast.literal_eval(text))
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return text


def _plain(value: Any) -> Any:
    """Only types that YAML has too."""
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if value is ...:
        return "..."
    return str(value) if isinstance(value, complex) else value


class _IniReader:
    def __init__(self, inventory: Inventory, file: str) -> None:
        self.inventory, self.file, self.number = inventory, file, 0
        self.group = "ungrouped"
        self.parse: Callable[[str], None] = self.host_line
        self.sections = {"hosts": self.host_line, "vars": self.variable_line, "children": self.child_line}
        self.undeclared: dict[str, int] = {}
        """Groups that only a ``[name:vars]`` mentions so far, by the line of that."""
        self.awaited: dict[str, dict[str, int]] = {}
        """Children named before they are declared: the parents and lines that wait for them."""

    def read(self, line: str, number: int) -> None:
        self.number = number
        if section := _SECTION.fullmatch(line):
            self.section(section[1], section[2] or "hosts")
        elif line.startswith("[") and line.endswith("]"):
            raise self.fault("a section is [group], [group:vars] or [group:children], without spaces")
        else:
            self.parse(line)

    def finish(self) -> None:
        for name, line in self.undeclared.items():
            self.number = line
            raise self.fault(f"[{name}:vars] names no group of this inventory: declare it with [{name}]")
        for name, parents in self.awaited.items():
            self.number = min(parents.values())
            raise self.fault(f"{name} names no group of this inventory: declare it with [{name}]")

    def section(self, name: str, kind: str) -> None:
        if kind not in self.sections:
            raise self.fault(f"[{name}:{kind}] is no section: write {name}, {name}:vars or {name}:children")
        if name not in self.inventory.groups and name not in self.awaited and kind == "vars":
            self.undeclared[name] = self.number
        self.inventory.add_group(name)
        if kind != "vars":
            self.undeclared.pop(name, None)
            for parent, line in self.awaited.pop(name, {}).items():
                self.inventory.add_child(parent, name, self.file, line)
        self.group, self.parse = name, self.sections[kind]

    def host_line(self, line: str) -> None:
        try:
            pattern, *assignments = shlex.split(line, comments=True)
        except ValueError:
            raise self.fault("a quotation mark is not closed") from None
        values = [self.assignment(word) for word in assignments]
        name, port = split_port(pattern)
        if name.endswith(":") or name == "---":
            raise self.fault(f"{pattern!r} is no host; if this is YAML, name the file .yml")
        try:
            names = expand(name)
        except ValueError as error:
            raise self.fault(str(error)) from None
        for host in names:
            self.inventory.add_host(host, self.group, port, self.file, self.number)
            for key, variable in values:
                self.inventory.set_variable(host, key, variable)

    def assignment(self, word: str) -> tuple[str, Variable]:
        key, equals, value = word.partition("=")
        if not equals:
            raise self.fault("after the host stand name=value pairs; a value with spaces needs quotes")
        return key, Variable(parse_value(value), self.file, self.number)

    def variable_line(self, line: str) -> None:
        key, equals, value = line.partition("=")
        if not equals:
            raise self.fault("below [...:vars] every line is name=value")
        variable = Variable(parse_value(value.strip()), self.file, self.number)
        self.inventory.set_variable(self.group, key.strip(), variable)

    def child_line(self, line: str) -> None:
        child = _GROUP.fullmatch(line)
        if not child:
            raise self.fault("below [...:children] every line is the name of a group")
        if child[1] in self.inventory.groups:
            self.inventory.add_child(self.group, child[1], self.file, self.number)
        else:
            self.awaited.setdefault(child[1], {})[self.group] = self.number

    def fault(self, what: str) -> InventoryError:
        return InventoryError(f"{self.file}:{self.number}: {what}")
