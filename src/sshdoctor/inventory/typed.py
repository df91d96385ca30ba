"""Variables of every host that were typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from sshdoctor.inventory.groups import Variable
from sshdoctor.inventory.vault import OpenVault

_SAME = (
    ("ansible_user", "ansible_ssh_user"),
    ("ansible_host", "ansible_ssh_host"),
    ("ansible_port", "ansible_ssh_port"),
    ("ansible_password", "ansible_ssh_pass", "ansible_ssh_password"),
    ("ansible_private_key_file", "ansible_ssh_private_key_file"),
    ("ansible_become_password", "ansible_become_pass", "ansible_sudo_pass"),
)
"""The names that Ansible has for one thing; of those that are set, the last of a row would win."""

TYPED = "the command line"
"""Where a typed variable stands, for messages."""


class TypedVariables(Struct, frozen=True):
    """A weak one holds where the inventory sets none, as with Ansible's options; a strong one always, as with
    its ``-e``."""

    weak: Mapping[str, Any] = field(default_factory=dict)
    strong: Mapping[str, Any] = field(default_factory=dict)
    open_vault: OpenVault | None = None
    """Opens what Ansible Vault has encrypted, where a password was named."""

    def __bool__(self) -> bool:
        return bool(self.weak or self.strong)

    def around(self, variables: Mapping[str, Variable]) -> dict[str, Variable]:
        """The ``variables`` of a host, with these."""
        replaced = _with_their_kin(self.strong)
        kept = {name: one for name, one in variables.items() if name not in replaced}
        known = _with_their_kin(kept) | replaced
        weak = {name: value for name, value in self.weak.items() if name not in known}
        return {**_as_variables(weak), **kept, **_as_variables(self.strong)}


def _with_their_kin(names: Mapping[str, Any]) -> set[str]:
    kin = {name for row in _SAME if any(one in names for one in row) for name in row}
    return kin | set(names)


def _as_variables(values: Mapping[str, Any]) -> dict[str, Variable]:
    return {name: Variable(value, TYPED, 1) for name, value in values.items()}
