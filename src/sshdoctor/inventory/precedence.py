"""Which value of a variable holds for a host, by Ansible's order of precedence."""

from __future__ import annotations

from sshdoctor.inventory.groups import Group, Inventory, Variable
from sshdoctor.inventory.vars_files import VarsFolder
from sshdoctor.inventory.vault import OpenVault


class Precedence:
    """Merges a host's variables, weakest first (Ansible's "Using variables", and vars/manager.py):

    1. ``all`` in the inventory files, then the host's groups there, parents before children
    2. ``group_vars/all``, then ``group_vars/`` of its groups, source by source
    3. the host's own in the inventory files, then ``host_vars/``, source by source

    A mapping is replaced, not merged, as is Ansible's default.
    """

    def __init__(self, inventory: Inventory, open_vault: OpenVault) -> None:
        self._inventory = inventory
        folders = inventory.folders
        self._group_folders = [VarsFolder(folder / "group_vars", open_vault) for folder in folders]
        self._host_folders = [VarsFolder(folder / "host_vars", open_vault) for folder in folders]
        self._merged: dict[tuple[str, ...], dict[str, Variable]] = {}

    def of_host(self, name: str) -> dict[str, Variable]:
        """Every variable of one host. Raises InventoryError."""
        variables = {
            **self.of_groups(self._inventory.groups_of(name)),
            **self._inventory.hosts[name].variables,
        }
        for folder in self._host_folders:
            variables.update(folder.variables(name))
        return variables

    def of_groups(self, groups: tuple[Group, ...]) -> dict[str, Variable]:
        """What ``all`` and the groups (in their order) set. Do not change what is returned."""
        key = tuple(group.name for group in groups)
        if key not in self._merged:
            everyone = self._inventory.groups["all"]
            variables = dict(everyone.variables)
            for group in groups:
                variables.update(group.variables)
            for folder in self._group_folders:
                variables.update(folder.variables("all"))
            for folder in self._group_folders:
                for group in groups:
                    variables.update(folder.variables(group.name))
            self._merged[key] = variables
        return self._merged[key]
