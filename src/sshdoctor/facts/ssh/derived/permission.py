"""The fact ``permission``: whether sshd's own rules let this user log in at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network
from typing import Any

from msgspec import Struct

from sshdoctor.facts.ssh.account import Account
from sshdoctor.facts.ssh.config import Config
from sshdoctor.model import Evidence, Unknown


class Permission(Struct, frozen=True, kw_only=True):
    """``allowed`` is "yes" or "no"; ``rule`` the line of the configuration that says no.

    ``lines`` let the user in, in a Match block of its own: there a list takes the place of the one outside,
    and is added to that of another block (sshd_config(5), Match). None lifts a rule that denies by name.
    """

    allowed: str | Unknown
    rule: str
    stated: str
    """``rule``, or where none is seen what sshd says of it; ""."""
    lines: tuple[str, ...]
    keys_alone: bool
    """Root gets in by keys and by no password (prohibit-password), and a password is all the client has."""
    evidence: tuple[Evidence, ...]


VALUE = Permission
_CAUSE = "user-not-allowed"
_KEYS_ALONE = "PermitRootLogin prohibit-password"
WRITERS = {"": "root"}
NEEDS = ("config", "account")


def derive(known: Mapping[str, Any]) -> Permission | Unknown:
    """DenyUsers, AllowUsers, DenyGroups, AllowGroups, in sshd's order (sshd_config(5)); PermitRootLogin."""
    user, client = known["dialled"].user, known["client_address"] or ""
    config: Config | Unknown = known["config"]
    account: Account | Unknown = known["account"]
    if isinstance(config, Unknown):
        return config
    if not user:
        return Unknown("the user is not known")
    users, groups = _rules(config, "Users"), _rules(config, "Groups")
    if isinstance(users, Unknown) or isinstance(groups, Unknown):
        return Unknown("the configuration was not read")
    first = _stopped(users, (user,), client, by_name=config.use_dns is not False)
    if isinstance(first, Unknown):
        return first
    rules = [first]
    names = account if isinstance(account, Unknown) else account.groups
    if not isinstance(names, Unknown):
        of_groups = _stopped(groups, names, "", by_name=False)
        assert not isinstance(of_groups, Unknown)  # noqa: S101 -- a group has no host
        rules.append(of_groups)
    elif rules == [None] and any(groups.values()):
        return names
    stopping = [rule for rule in (*rules, _root(user, config, account)) if rule]
    rule = next(iter(stopping), "")
    seen = (Evidence(f"sshd -T -C user={user},addr={client or 'CLIENT'}", rule),) if rule else ()
    lines = _lifting(stopping, user, () if isinstance(names, Unknown) else names)
    spoken = next((one.text for one in getattr(known.get("words"), "said", ()) if one.cause == _CAUSE), "")
    keys_alone = not rule and _keys_alone(known["dialled"], config)
    if keys_alone:
        seen = (Evidence(f"sshd -T -C user={user},addr={client or 'CLIENT'}", _KEYS_ALONE),)
    return Permission(
        allowed="no" if rule else "yes",
        rule=rule,
        stated=rule or spoken,
        lines=lines,
        keys_alone=keys_alone,
        evidence=seen,
    )


def _keys_alone(dialled: Any, config: Config) -> bool:
    """As OpenSSH's auth_password(): there is no right password for root then."""
    return (
        dialled.user == "root"
        and f"PermitRootLogin {config.permit_root_login}" == _KEYS_ALONE
        and dialled.has_password
        and not isinstance(dialled.client_keys, Unknown)
        and not dialled.client_keys
    )


def _lifting(stopping: Iterable[str], user: str, groups: tuple[str, ...]) -> tuple[str, ...]:
    """The lines that lift all of these rules, () if one of them cannot be lifted so.

    >>> _lifting(["AllowUsers root"], "deploy", ("deploy",)), _lifting(["DenyUsers d*"], "deploy", ())
    (('AllowUsers deploy',), ())
    """
    own = {"AllowUsers": user, "AllowGroups": "".join(groups[:1]), "PermitRootLogin": "prohibit-password"}
    lifted = [(word := rule.split()[0], own.get(word, "")) for rule in stopping]
    plain = all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", value) for _, value in (*lifted, ("", user)))
    return tuple(f"{keyword} {value}" for keyword, value in lifted) if plain else ()


def _rules(config: Config, kind: str) -> dict[str, tuple[str, ...]] | Unknown:
    """``Deny`` before ``Allow``, each with its patterns."""
    deny, allow = (
        (config.deny_users, config.allow_users)
        if kind == "Users"
        else (config.deny_groups, config.allow_groups)
    )
    if isinstance(deny, Unknown):
        return deny
    if isinstance(allow, Unknown):
        return allow
    return {f"Deny{kind}": deny, f"Allow{kind}": allow}


def _stopped(
    rules: Mapping[str, tuple[str, ...]], names: tuple[str, ...], client: str, *, by_name: bool
) -> str | Unknown | None:
    """The line that stops all of ``names`` (a user, or its groups): a Deny that means one, an Allow none.

    Unknown where it hangs on the client's name, which sshd looks up (``by_name``) and nobody here did.
    """
    for keyword, patterns in rules.items():
        meant = any(_listed(name, client, patterns) for name in names)
        if by_name and not meant and any(_by_name(pattern) for pattern in patterns):
            return Unknown(f"{keyword} has names of clients, and UseDNS looks them up")
        if patterns and meant is keyword.startswith("Deny"):
            return f"{keyword} {' '.join(patterns)}"
    return None


def _root(user: str, config: Config, account: Account | Unknown) -> str | None:
    if user != "root":
        return None
    if config.permit_root_login == "forced-commands-only":
        return None if _has_command(account) else "PermitRootLogin forced-commands-only"
    return "PermitRootLogin no" if config.permit_root_login == "no" else None


def _has_command(account: Account | Unknown) -> bool:
    """Whether a key of the account may have a command of its own."""
    if isinstance(account, Unknown) or isinstance(account.authorized, Unknown) or account.keys_command:
        return True
    return any(file.commands for file in account.authorized_files)


def _listed(user: str, client: str, patterns: Iterable[str]) -> bool:
    """Whether ``user`` (from ``client``) is meant by a list such as ``alice bob@192.0.2.* !carol``."""
    found = False
    for pattern in patterns:
        negated, _, plain = pattern.rpartition("!")
        name, at, host = plain.rpartition("@")
        if not at:
            name, host = plain, "*"
        if _fits(user, name) and _from(client, host):
            if negated or pattern.startswith("!"):
                return False
            found = True
    return found


def _fits(word: str, pattern: str) -> bool:
    """Whether it matches a pattern of ssh_config(5): only * and ? stand for something.

    >>> _fits("deploy", "d?p*"), _fits("deploy", "[a-z]*")
    (True, False)
    """
    return fnmatchcase(word, pattern.replace("[", "[[]"))


def _from(client: str, host: str) -> bool:
    """Whether a client's address is meant by a pattern, or a network as address/bits.

    >>> _from("192.0.2.7", "192.0.2.0/24"), _from("192.0.2.7", "192.0.3.0/24"), _from("fd51::7", "fd51::/16")
    (True, False, True)
    """
    if "/" not in host:
        return host == "*" or _fits(client, host)
    try:
        return ip_address(client) in ip_network(host)
    except ValueError:
        return False


def _by_name(pattern: str) -> bool:
    """Whether its host part can be the name of a client, and not an address alone.

    >>> _by_name("deploy@*.example"), _by_name("deploy@192.0.2.*"), _by_name("deploy")
    (True, False, False)
    """
    host = pattern.rpartition("@")[2] if "@" in pattern else ""
    return re.search(r"[g-zG-Z]", host) is not None
