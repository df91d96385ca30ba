"""Groups, hosts and their variables while an inventory is read, and how they hang together after."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from sshdoctor.errors import InventoryError


class Variable(Struct, frozen=True):
    """A value and the place where it stands; the value may be a password, so no repr shows it."""

    value: Any
    file: str
    line: int = 1

    def __repr__(self) -> str:
        return f"Variable(file={self.file!r}, line={self.line!r})"

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


class Group(Struct):
    name: str
    hosts: dict[str, None] = field(default_factory=dict)
    children: dict[str, None] = field(default_factory=dict)
    parents: dict[str, None] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)
    priority: int = 1


class Entry(Struct):
    """A host, and where it is named first."""

    name: str
    file: str
    line: int
    groups: dict[str, None] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Ansible's ``inventory_dir``."""
        return Path(self.file).parent


class Inventory:
    """What all sources together say. Read everything into it, ``settle`` it, then ask it."""

    def __init__(self) -> None:
        self.groups: dict[str, Group] = {}
        self.hosts: dict[str, Entry] = {}
        self.folders: list[Path] = []
        """Where group_vars/ and host_vars/ stand, one a source, in order."""
        self.notes: list[str] = []
        """What was passed over, as Ansible passes over it with a warning."""
        self._depths: dict[str, int] = {}
        self._sorted: dict[tuple[str, ...], tuple[Group, ...]] = {}
        for name in ("all", "ungrouped"):
            self.add_group(name)
        self._join("all", "ungrouped")

    def add_group(self, name: str) -> None:
        self.groups.setdefault(name, Group(name))

    def add_host(self, name: str, group: str, port: int | None, file: str, line: int) -> None:
        """Name a host. As with Ansible, a port counts only where the host is named first."""
        entry = self.hosts.get(name)
        if entry is None:
            entry = self.hosts[name] = Entry(name, file, line)
            if port:
                entry.variables["ansible_port"] = Variable(port, file, line)
        entry.groups[group] = None
        self.groups[group].hosts[name] = None

    def set_variable(self, owner: str, key: str, variable: Variable) -> None:
        """Set a variable of a group, or of a host where no group has that name (as Ansible does)."""
        if owner not in self.groups:
            self.hosts[owner].variables[key] = variable
        elif key == "ansible_group_priority":
            try:
                self.groups[owner].priority = int(variable.value)
            except (TypeError, ValueError):
                message = f"{variable.place}: ansible_group_priority must be a whole number"
                raise InventoryError(message) from None
        else:
            self.groups[owner].variables[key] = variable

    def add_child(self, parent: str, child: str, file: str, line: int) -> None:
        """Make ``child`` a child of ``parent``. Raises InventoryError where that closes a circle."""
        if child == parent or child == "all" or child in self._ancestors((parent,)):
            raise InventoryError(
                f"{file}:{line}: the group {child} cannot be a child of {parent}: it is its parent already"
            )
        self._join(parent, child)

    def settle(self) -> None:
        """Hang every group below ``all``, and every host without a group into ``ungrouped``."""
        for group in list(self.groups.values()):
            if group.name != "all" and not group.parents:
                self._join("all", group.name)
        ungrouped = self.groups["ungrouped"]
        for entry in self.hosts.values():
            if not entry.groups.keys() - {"all", "ungrouped"}:
                entry.groups["ungrouped"] = ungrouped.hosts[entry.name] = None
            elif entry.name in ungrouped.hosts:
                del entry.groups["ungrouped"], ungrouped.hosts[entry.name]
        self._depths, self._sorted = {}, {}

    def groups_of(self, host: str) -> tuple[Group, ...]:
        """All groups of a host but ``all``, weakest first: by depth, then priority, then name.

        That is the order of ``ansible.inventory.helpers.sort_groups``.
        """
        direct = tuple(self.hosts[host].groups)
        if direct not in self._sorted:
            names = self._ancestors(direct) - {"all"}
            order = sorted(
                (self.groups[name] for name in names), key=lambda g: (self._depth(g.name), g.priority, g.name)
            )
            self._sorted[direct] = tuple(order)
        return self._sorted[direct]

    def hosts_in(self, group: str) -> list[str]:
        """The names of the hosts of a group and of all below it, nearest first."""
        seen, queue, names = {group}, [group], dict[str, None]()
        for name in queue:
            names.update(self.groups[name].hosts)
            fresh = [child for child in self.groups[name].children if child not in seen]
            seen.update(fresh)
            queue.extend(fresh)
        return list(names)

    def _join(self, parent: str, child: str) -> None:
        self.groups[parent].children[child] = self.groups[child].parents[parent] = None

    def _ancestors(self, names: Iterable[str]) -> set[str]:
        """The groups ``names`` themselves and all above them."""
        seen, queue = set(names), list(names)
        while queue:
            fresh = self.groups[queue.pop()].parents.keys() - seen
            seen |= fresh
            queue.extend(fresh)
        return seen

    def _depth(self, name: str) -> int:
        if name not in self._depths:
            above = [self._depth(parent) for parent in self.groups[name].parents]
            self._depths[name] = 1 + max(above) if above else 0
        return self._depths[name]
