"""What is typed about logging in, as Ansible takes it: the inventory's own word holds over most of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec import Struct

from sshdoctor.errors import UsageError
from sshdoctor.inventory import OpenVault, TypedVariables, password_in, vault_of
from sshdoctor.model import Host


class LoginOptions(Struct, frozen=True, kw_only=True):
    """The options about logins, as typed."""

    user: str = ""
    private_key: str = ""
    ask_pass: bool = False
    become: bool = False
    ask_become_pass: bool = False
    vault_password_file: str = ""
    ask_vault_pass: bool = False

    @property
    def valued(self) -> tuple[tuple[str, str], ...]:
        """The options that have values, as they are typed."""
        return (
            ("--user", self.user),
            ("--private-key", self.private_key),
            ("--vault-password-file", self.vault_password_file),
        )

    @property
    def flags(self) -> tuple[str, ...]:
        """The others that were typed."""
        typed = {
            "--ask-pass": self.ask_pass,
            "--become": self.become,
            "--ask-become-pass": self.ask_become_pass,
            "--ask-vault-pass": self.ask_vault_pass,
        }
        return tuple(name for name, given in typed.items() if given)


def typed_variables(
    login: LoginOptions, extra: Sequence[str], ask: Callable[[str], str] | None = None
) -> TypedVariables:
    """What was typed, as variables of every host; a password that is to be asked for is asked for.

    Raises UsageError.
    """
    ask = ask or ask_secret
    weak: dict[str, Any] = {}
    if login.user:
        weak["ansible_user"] = login.user
    if login.private_key:
        weak["ansible_private_key_file"] = login.private_key
    if login.ask_pass:
        weak["ansible_password"] = ask("Password of the login: ")
    if login.become:
        weak["ansible_become"] = True
    if login.ask_become_pass:
        weak["ansible_become_password"] = ask("sudo's password (none: the same): ") or weak.get(
            "ansible_password", ""
        )
    strong: dict[str, Any] = {}
    if extra:
        from sshdoctor.remedy.playbook.extra import extra_variables

        strong = extra_variables(extra)
    return TypedVariables(weak=weak, strong=strong, open_vault=_vault(login, ask))


def _vault(login: LoginOptions, ask: Callable[[str], str]) -> OpenVault | None:
    if login.vault_password_file:
        return vault_of(lambda: password_in(login.vault_password_file))
    if login.ask_vault_pass:
        secret = ask("Password of Ansible Vault: ")
        return vault_of(lambda: secret)
    return None


def ask_secret(prompt: str) -> str:
    """What is typed where nobody can read it. Raises UsageError where nobody is there to be asked."""
    from getpass import getpass

    if not sys.stdin.isatty():
        raise UsageError(f"nobody is there to be asked: {prompt.rstrip(': ')}")
    return getpass(prompt, sys.stderr)


def overruled(hosts: Iterable[Host], login: LoginOptions) -> list[str]:
    """What to know where the inventory's own user holds over the one that was typed."""
    if not login.user:
        return []
    others = {host.login.user or "" for host in hosts} - {login.user}
    if not others:
        return []
    return [
        f"the inventory names another user ({', '.join(sorted(others))}), which holds over -u, as with "
        f"Ansible; -e ansible_user={login.user} holds over the inventory"
    ]
