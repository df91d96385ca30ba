"""Inventories that a program prints (``ansible.builtin.script``)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sshdoctor.documents.resources import own_file
from sshdoctor.errors import InventoryError
from sshdoctor.inventory.groups import Inventory, Variable

_LONGEST = 120


def read_script(inventory: Inventory, path: Path) -> None:
    """Run the program as Ansible does, and read what it prints. Raises InventoryError, InputError.

    Raises InputError too where others could have written it.
    """
    own_file(path)
    groups = _printed(path, "--list")
    meta = groups.pop("_meta", None)
    place = str(path)
    for name, body in groups.items():
        inventory.add_group(name)
        for host in body if isinstance(body, list) else _of(body, "hosts", list, place, name):
            inventory.add_host(str(host), name, None, place, 1)
    for name, body in groups.items():
        if isinstance(body, list):
            continue
        for child in _of(body, "children", list, place, name):
            inventory.add_group(str(child))
            inventory.add_child(name, str(child), place, 1)
        for key, value in _of(body, "vars", dict, place, name).items():
            inventory.set_variable(name, str(key), Variable(value, place))
    _host_variables(inventory, path, meta)


def _host_variables(inventory: Inventory, path: Path, meta: Any) -> None:
    place = str(path)
    told = meta.get("hostvars") if isinstance(meta, Mapping) else None
    for name in [*inventory.hosts]:
        if inventory.hosts[name].file != place:
            continue
        values = told.get(name, {}) if isinstance(told, Mapping) else _printed(path, "--host", name)
        for key, value in values.items():
            inventory.hosts[name].variables[str(key)] = Variable(value, place)


def _of(body: Any, key: str, kind: type, place: str, group: str) -> Any:
    if not isinstance(body, Mapping):
        raise InventoryError(f"{place}:1: it prints a group {group} that is no mapping and no list")
    value = body.get(key) or kind()
    if not isinstance(value, kind):
        raise InventoryError(f"{place}:1: it prints {key} of the group {group} that are no {kind.__name__}")
    return value


def _printed(path: Path, *words: str) -> dict[str, Any]:
    command = [str(path.absolute()), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_LONGEST)
        data = json.loads(done.stdout or "{}") if done.returncode == 0 else None
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise InventoryError(f"{path}:1: {' '.join(words)} gives no inventory: {error}") from None
    if not isinstance(data, dict):
        last = done.stderr.strip().splitlines()[-1:] or [f"it ends with {done.returncode}"]
        raise InventoryError(f"{path}:1: {' '.join(words)} gives no inventory: {last[0]}")
    return data
