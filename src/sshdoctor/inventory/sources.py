"""Which files are the inventory, and which reader each one gets."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from sshdoctor.documents.resources import own_file
from sshdoctor.errors import InputError, InventoryError
from sshdoctor.inventory.ansible_config import read_ansible_config
from sshdoctor.inventory.content import is_vaulted, parse_data, read_text
from sshdoctor.inventory.groups import Inventory
from sshdoctor.inventory.ini_file import read_ini
from sshdoctor.inventory.paths import expand_home
from sshdoctor.inventory.script import read_script
from sshdoctor.inventory.vault import OpenVault, closed_vault
from sshdoctor.inventory.yaml_file import WRITE_IT_OUT, read_groups

# What Ansible passes over in a folder: INVENTORY_IGNORE_EXTS of ansible-core 2.19, and manager.py.
_IGNORED = re.compile(
    r"^\.|^(?:host_vars|group_vars|vars_plugins)$"
    r"|(?:\.pyc|\.pyo|\.swp|\.bak|~|\.rpm|\.md|\.txt|\.rst|\.orig|\.cfg|\.retry)$"
)
_INI = re.compile(r"^\[|^[^\s#;:]+(?::\d+)?\s+\w+=", re.MULTILINE)
_YAML = ("", ".yml", ".yaml", ".json")


def find_sources(given: Sequence[Path] | None, environ: Mapping[str, str]) -> tuple[Path, ...]:
    """The sources given; else those of $SSHDOCTOR_INVENTORY, $ANSIBLE_INVENTORY, Ansible's configuration, or
    inventory.yml, the first that there are.

    Raises InputError for one that was named and does not exist, or was found and others can write.
    """
    if given:
        return tuple(_existing(path, "--inventory") for path in given)
    for name in ("SSHDOCTOR_INVENTORY", "ANSIBLE_INVENTORY"):
        if listed := environ.get(name, "").strip():
            items = [listed] if listed.endswith(",") else [item.strip() for item in listed.split(",")]
            return tuple(_existing(expand_home(item), f"${name}") for item in items if item)
    config = read_ansible_config(environ)
    if config.inventory:
        return tuple(_existing(Path(item), config.file) for item in config.inventory)
    if (default := Path("inventory.yml")).exists():
        return (own_file(default),)
    return ()


def read_sources(sources: Sequence[Path], open_vault: OpenVault = closed_vault) -> Inventory:
    """All sources in one inventory, settled. Raises InventoryError."""
    inventory = Inventory()
    for source in sources:
        inventory.folders.append(source if source.is_dir() else source.parent)
        _read(inventory, source, open_vault)
    inventory.settle()
    return inventory


def _existing(path: Path, origin: str) -> Path:
    if path.exists() or "," in path.name:  # Ansible's host list: -i web1,web2,
        return path
    raise InputError(f"{path}: there is no such inventory ({origin})")


def _read(inventory: Inventory, source: Path, open_vault: OpenVault) -> None:
    if not source.exists():
        for name in filter(None, map(str.strip, str(source).split(","))):
            inventory.add_host(name, "ungrouped", None, str(source), 1)
    elif source.is_dir():
        for path in sorted(source.iterdir()):
            if not _IGNORED.search(path.name):
                _read(inventory, path, open_vault)
    else:
        _read_file(inventory, source, open_vault)


def _read_file(inventory: Inventory, path: Path, open_vault: OpenVault) -> None:
    if _is_program(path):
        return read_script(inventory, path)
    if path.suffix == ".toml":
        raise InventoryError(f"{path}:1: TOML is not read; {WRITE_IT_OUT.format(path)}")
    text, fault = read_text(path), None
    if is_vaulted(text):
        text = open_vault(text, f"{path}:1")
    if path.suffix in _YAML:
        try:
            data = parse_data(text, str(path))
        except InventoryError as error:
            fault = str(error)
        else:
            if isinstance(data, dict) and data:
                return read_groups(inventory, data, str(path))
            fault = f"{path}:1: a YAML inventory is a mapping of groups, such as all: with hosts: in it"
    _read_as_ini(inventory, path, text, fault)
    return None


def _read_as_ini(inventory: Inventory, path: Path, text: str, fault: str | None) -> None:
    """As with Ansible, what is no YAML may be INI whatever its name; ``fault`` says why it is no YAML."""
    try:
        read_ini(inventory, text, str(path))
    except InventoryError:
        looks_like_ini = not path.suffix and _INI.search(text)
        if fault and not looks_like_ini:
            raise InventoryError(fault) from None
        raise


def _is_program(path: Path) -> bool:
    """An executable with a #! line or an ELF header; on some file systems every file is executable."""
    if not os.access(path, os.X_OK):
        return False
    try:
        with path.open("rb") as stream:
            return stream.read(4).startswith((b"#!", b"\x7fELF"))
    except OSError:
        return False
