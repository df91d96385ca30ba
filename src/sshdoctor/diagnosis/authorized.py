"""The fact ``keys``: whether a key that the client offered is authorized for the user."""

from __future__ import annotations

from dataclasses import dataclass

from sshdoctor.diagnosis.dialled import Dialled
from sshdoctor.facts.account import Account
from sshdoctor.model import Evidence, Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """``authorized``: one of the offered keys' fingerprints is in the user's authorized keys."""

    authorized: bool | Unknown
    file: str
    evidence: tuple[Evidence, ...]


def keys(dial: Dialled, account: Account | Unknown) -> Keys | Unknown:
    if isinstance(account, Unknown):
        return account
    known = account.authorized
    found = known if isinstance(known, Unknown) else bool(set(known) & set(dial.client_keys))
    files = tuple(one.path for one in account.authorized_files)
    offered = Evidence("keys that the client offered", "\n".join(dial.client_keys) or "none")
    return Keys(
        authorized=found,
        file=files[0] if files else "~/.ssh/authorized_keys",
        evidence=(offered, *account.evidence),
    )
