"""The fact ``keys``: whether a key that the client offered is authorized for the user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from sshdoctor.facts.ssh.account import Account, AuthFile
from sshdoctor.facts.ssh.config import Config
from sshdoctor.facts.ssh.parsing.key_files import Objection
from sshdoctor.model import Command, Evidence, Unknown


class Keys(Struct, frozen=True, kw_only=True):
    """``authorized``: one of the offered keys' fingerprints is in the user's authorized keys.

    ``distrusted`` is why sshd does not use the files that hold one, "" if it uses one of them, or if there
    are none; ``objections`` are what counts against the first of these files, ``mend`` the commands that put
    it right.
    """

    authorized: bool | Unknown
    file: str
    distrusted: str | Unknown
    mend: Command
    objections: tuple[Objection, ...]
    forced_command: str
    """What takes the place of the shell for the key that sshd took, or ""."""
    evidence: tuple[Evidence, ...]


VALUE = Keys
WRITERS = {"": "account"}
NEEDS = ("account", "config", "dial_log")


def derive(known: Mapping[str, Any]) -> Keys | Unknown:
    account: Account | Unknown = known["account"]
    config: Config | Unknown = known["config"]
    accepted = getattr(known["words"], "accepted_key", "")  # sshd says that it took this one
    if isinstance(account, Unknown):
        return account
    authorized, ours = account.authorized, known["dialled"].client_keys
    marks = () if isinstance(ours, Unknown) else ours
    found = authorized if isinstance(authorized, Unknown) else bool(set(authorized) & set(marks))
    files = account.authorized_files
    holding = [file for file in files if set(file.keys) & set(marks)]
    strict = config if isinstance(config, Unknown) else config.strict_modes
    against = _against(holding[0], strict) if holding else ()
    offered = Evidence("keys that the client offered", "\n".join(marks) or "none")
    return Keys(
        authorized=ours if isinstance(ours, Unknown) else found,
        file=files[0].path if files else "~/.ssh/authorized_keys",
        distrusted=authorized if isinstance(authorized, Unknown) else _distrusted(holding, strict),
        mend=Command("; ".join(dict.fromkeys(one.mend for one in against))),
        objections=against,
        forced_command=next((file.commands[accepted] for file in files if accepted in file.commands), ""),
        evidence=(offered, *account.evidence),
    )


def _against(file: AuthFile, strict: bool | Unknown) -> tuple[Objection, ...]:
    return file.unread if strict is False else file.unsafe + file.unread


def _distrusted(holding: list[AuthFile], strict: bool | Unknown) -> str | Unknown:
    said: list[str] = []
    for file in holding:
        if file.hidden:
            said.append(file.hidden)
        elif not file.problem or strict is False:
            return ""
        elif isinstance(strict, Unknown):
            return strict
        else:
            said.append(file.problem)
    return said[0] if said else ""
