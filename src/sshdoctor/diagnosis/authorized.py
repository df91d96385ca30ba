"""The fact ``keys``: whether a key that the client offered is authorized for the user."""

from __future__ import annotations

from dataclasses import dataclass

from sshdoctor.diagnosis.dialled import Dialled
from sshdoctor.facts.account import Account, AuthFile
from sshdoctor.facts.config import Config
from sshdoctor.model import Evidence, Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """``authorized``: one of the offered keys' fingerprints is in the user's authorized keys.

    ``distrusted`` is why sshd does not use the files that hold one, "" if it uses one of them, or if there
    are none; ``mend`` the commands that put the first of these files right.
    """

    authorized: bool | Unknown
    file: str
    distrusted: str | Unknown
    mend: str
    evidence: tuple[Evidence, ...]


def keys(dial: Dialled, account: Account | Unknown, config: Config | Unknown) -> Keys | Unknown:
    if isinstance(account, Unknown):
        return account
    known = account.authorized
    found = known if isinstance(known, Unknown) else bool(set(known) & set(dial.client_keys))
    files = account.authorized_files
    holding = [file for file in files if set(file.keys) & set(dial.client_keys)]
    strict = config if isinstance(config, Unknown) else config.strict_modes
    offered = Evidence("keys that the client offered", "\n".join(dial.client_keys) or "none")
    return Keys(
        authorized=found,
        file=files[0].path if files else "~/.ssh/authorized_keys",
        distrusted=known if isinstance(known, Unknown) else _distrusted(holding, strict),
        mend="; ".join(holding[0].mend) if holding else "",
        evidence=(offered, *account.evidence),
    )


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
