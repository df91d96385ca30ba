"""What Ansible Vault has encrypted, opened by Ansible's own library where a password is given."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sshdoctor.errors import InputError, InventoryError
from sshdoctor.inventory.paths import expand_home

OpenVault = Callable[[str, str], str]
"""The clear text of an encrypted one, which stands at a place. Raises InventoryError, with the place."""


def closed_vault(text: str, place: str) -> str:
    """There is no password."""
    raise InventoryError(
        f"{place}: encrypted with Ansible Vault, and there is no password for it: type --vault-password-file "
        "FILE or --ask-vault-pass, or set ANSIBLE_VAULT_PASSWORD_FILE"
    )


def vault_of(password: Callable[[], str]) -> OpenVault:
    """Opens with the ``password``, which is asked for when it is needed, once."""
    known: list[Any] = []

    def opened(text: str, place: str) -> str:
        if not known:
            known.append(_library(place, password()))
        try:
            plain: bytes = known[0].decrypt(text.strip().encode())
            return plain.decode()
        except Exception as error:  # its errors differ between releases, and may quote what is secret
            kind = type(error).__name__
            raise InventoryError(
                f"{place}: encrypted with Ansible Vault, and the password does not open it ({kind})"
            ) from None

    return opened


def password_in(file: str) -> str:
    """The password in a file, or printed by a program, as Ansible takes it. Raises InputError."""
    path = expand_home(file)
    try:
        if os.access(path, os.X_OK) and path.is_file():
            done = subprocess.run([path.absolute()], capture_output=True, text=True, check=True, timeout=60)
            return done.stdout.strip("\r\n")
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError, subprocess.SubprocessError) as error:
        what = error.strerror if isinstance(error, OSError) else "no password came from it"
        raise InputError(f"{Path(file)}: the password of Ansible Vault cannot be read: {what}") from None


def _library(place: str, password: str) -> Any:
    try:
        # Half a second, and rarely needed; it has no types.
        from ansible.parsing.vault import VaultLib, VaultSecret  # type: ignore[import-untyped]
    except ImportError:
        raise InventoryError(
            f"{place}: encrypted with Ansible Vault, which Ansible's own library opens: "
            "pip install 'sshdoctor[vault]'"
        ) from None
    return VaultLib([("default", VaultSecret(password.encode()))])
