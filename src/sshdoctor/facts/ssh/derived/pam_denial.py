"""The fact ``pam_denial``: which rule of PAM's modules leaves the user out, had the login come so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from sshdoctor.facts.ssh.account import Account
from sshdoctor.facts.ssh.config import Config
from sshdoctor.facts.ssh.pam_rules import PamRules
from sshdoctor.facts.ssh.parsing.pam_lists import Who, denied, no_logins
from sshdoctor.model import Evidence, Unknown


class PamDenial(Struct, frozen=True, kw_only=True):
    """``access`` is the line of access.conf that refuses this user from this client, ``limit`` the one of
    limits.conf that allows no login; "" each where there is none, or where it cannot be told."""

    access: str
    limit: str
    evidence: tuple[Evidence, ...]


VALUE = PamDenial
WRITERS = {"": "root"}
NEEDS = ("pam_rules", "account", "config")


def derive(known: Mapping[str, Any]) -> PamDenial | Unknown:
    rules: PamRules | Unknown = known["pam_rules"]
    account: Account | Unknown = known["account"]
    config: Config | Unknown = known["config"]
    if isinstance(rules, Unknown):
        return rules
    if isinstance(account, Unknown):
        return account
    if isinstance(config, Unknown) or config.use_pam is not True or account.uid is None:
        return PamDenial(access="", limit="", evidence=())
    who = Who(
        user=account.name or known["dialled"].user,
        uid=account.uid,
        groups=account.groups,
        client=(known["client_address"] or "") if config.use_dns is False else "",
        groups_in_brackets=rules.groups_in_brackets,
    )
    return PamDenial(
        access=denied(rules.access, who), limit=no_logins(rules.limits, who), evidence=rules.evidence
    )
