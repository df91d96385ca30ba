"""Inventories in YAML or JSON (``ansible.builtin.yaml``)."""

from __future__ import annotations

from typing import Any

from sshdoctor.errors import InventoryError
from sshdoctor.inventory.content import line_of
from sshdoctor.inventory.groups import Inventory, Variable
from sshdoctor.inventory.names import expand, split_port


def read_groups(inventory: Inventory, data: dict[Any, Any], file: str) -> None:
    """Read the groups of a parsed file into ``inventory``. Raises InventoryError."""
    if data.get("plugin"):
        message = f"this configures the inventory plugin {data['plugin']}; {WRITE_IT_OUT.format(file)}"
        raise InventoryError(f"{file}:{line_of(data, 'plugin')}: {message}")
    if "_meta" in data:
        message = "this is the JSON that inventory scripts print, which Ansible does not read back; "
        raise InventoryError(f"{file}:{line_of(data, '_meta')}: {message}{WRITE_IT_OUT.format('SCRIPT')}")
    reader = _YamlReader(inventory, file)
    for name in data:
        reader.group(name, data[name], line_of(data, name))


WRITE_IT_OUT = "write the hosts out with: ansible-inventory -i {} --list --yaml > hosts.yml"


class _YamlReader:
    def __init__(self, inventory: Inventory, file: str) -> None:
        self.inventory, self.file = inventory, file

    def group(self, name: Any, body: Any, line: int) -> bool:
        """Read one group; False if its body is none, which Ansible passes over with a warning."""
        if not isinstance(name, str) or not name:
            raise self.fault(line, f"the group {name!r} must be text: put it in quotes")
        if body is not None and not isinstance(body, dict):
            self.note(line, f"{name} is no group (a mapping of hosts, vars, children) and was passed over")
            return False
        self.inventory.add_group(name)
        for key, part in (body or {}).items():
            self.part(name, key, part, line_of(body, key, line))
        return True

    def part(self, group: str, key: Any, part: Any, line: int) -> None:
        readers = {"vars": self.variables, "children": self.children, "hosts": self.hosts}
        if key not in readers:
            self.note(
                line, f"{key} in the group {group} is none of hosts, vars, children and was passed over"
            )
        elif part is not None:
            section = {part: None} if isinstance(part, str) else part
            if not isinstance(section, dict):
                what = f"{key} of the group {group} must be a mapping: every name with a colon, no dashes"
                raise self.fault(line, what)
            readers[key](group, section, line)

    def variables(self, group: str, section: dict[Any, Any], line: int) -> None:
        for key, value in section.items():
            variable = Variable(value, self.file, line_of(section, key, line))
            self.inventory.set_variable(group, str(key), variable)

    def children(self, group: str, section: dict[Any, Any], line: int) -> None:
        for child, body in section.items():
            at = line_of(section, child, line)
            if not self.group(child, body, at) and child not in self.inventory.groups:
                raise self.fault(at, f"{child} must be a group: a mapping of hosts, vars, children")
            self.inventory.add_child(group, child, self.file, at)

    def hosts(self, group: str, section: dict[Any, Any], line: int) -> None:
        for pattern, values in section.items():
            at = line_of(section, pattern, line)
            if not isinstance(pattern, str) or not pattern:
                raise self.fault(at, f"the host {pattern!r} must be text: put it in quotes")
            if not isinstance(values or {}, dict):
                raise self.fault(at, f"below the host {pattern} stand its variables, as name: value")
            self.host(group, pattern, values or {}, at)

    def host(self, group: str, pattern: str, values: dict[Any, Any], line: int) -> None:
        name, port = split_port(pattern)
        try:
            names = expand(name)
        except ValueError as error:
            raise self.fault(line, str(error)) from None
        variables = {
            str(key): Variable(value, self.file, line_of(values, key, line)) for key, value in values.items()
        }
        for host in names:
            self.inventory.add_host(host, group, port, self.file, line)
            for key, variable in variables.items():
                self.inventory.set_variable(host, key, variable)

    def fault(self, line: int, what: str) -> InventoryError:
        return InventoryError(f"{self.file}:{line}: {what}")

    def note(self, line: int, what: str) -> None:
        self.inventory.notes.append(f"{self.file}:{line}: {what}")
