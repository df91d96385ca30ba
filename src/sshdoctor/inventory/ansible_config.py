"""Ansible's own configuration: those few of its settings that say how to reach hosts.

Where it stands, and how its values read, is as in Ansible's "Configuration Settings" and config/manager.py.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from sshdoctor.documents.resources import own_file
from sshdoctor.errors import InputError
from sshdoctor.inventory.paths import expand_home

_SYSTEM = Path("/etc/ansible/ansible.cfg")


class AnsibleConfig(Struct, frozen=True, kw_only=True):
    """What Ansible would use where nothing else is said; "" and () where it has no word of its own."""

    file: str = ""
    inventory: tuple[str, ...] = ()
    remote_user: str = ""
    private_key_file: str = ""
    vault_password_file: str = ""


def read_ansible_config(
    environ: Mapping[str, str], *, system: Path = _SYSTEM, warn: bool = False
) -> AnsibleConfig:
    """The first configuration file that Ansible would find, and what the environment says over it.

    As with Ansible, one that others could have written is passed over; ``warn`` says so.

    Raises InputError for one that is named and cannot be read.
    """
    path = next(_places(environ, system, warn), None)
    settings = _defaults(path) if path else {}
    base = path.parent if path else Path()

    def file(name: str, variable: str) -> str:
        if given := environ.get(variable, "").strip():
            return str(expand_home(given))
        return _expanded(settings[name], base, environ) if settings.get(name) else ""

    listed = [item.strip() for item in settings.get("inventory", "").split(",") if item.strip()]
    return AnsibleConfig(
        file=str(path or ""),
        inventory=tuple(_expanded(item, base, environ) for item in listed),
        remote_user=environ.get("ANSIBLE_REMOTE_USER", "").strip() or settings.get("remote_user", ""),
        private_key_file=file("private_key_file", "ANSIBLE_PRIVATE_KEY_FILE"),
        vault_password_file=file("vault_password_file", "ANSIBLE_VAULT_PASSWORD_FILE"),
    )


def _places(environ: Mapping[str, str], system: Path, warn: bool) -> Iterator[Path]:
    if named := environ.get("ANSIBLE_CONFIG", "").strip():
        path = expand_home(named)
        path = path / "ansible.cfg" if path.is_dir() else path
        if path.exists():
            yield path
    for path in (Path("ansible.cfg"), expand_home("~/.ansible.cfg"), system):
        if path.is_file() and _is_own(path, warn):
            yield path


def _is_own(path: Path, warn: bool) -> bool:
    try:
        own_file(path)
    except InputError as error:
        if warn:
            logging.getLogger(__name__).warning("%s", error)
        return False
    return True


def _defaults(path: Path) -> Mapping[str, str]:
    from configparser import ConfigParser, Error

    parser = ConfigParser(inline_comment_prefixes=(";",), interpolation=None, strict=False)
    try:
        parser.read_string(path.read_text(encoding="utf-8"), str(path))
    except (Error, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from None
    return dict(parser["defaults"]) if parser.has_section("defaults") else {}


def _expanded(text: str, base: Path, environ: Mapping[str, str]) -> str:
    for name, value in environ.items():
        text = text.replace(f"${{{name}}}", value)
    text = text.replace("{{CWD}}", os.getcwd())  # noqa: PTH109  # as Ansible writes it
    return str(base / expand_home(text))
