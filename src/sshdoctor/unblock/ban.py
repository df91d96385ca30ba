"""Whether the rule that stops a client is a ban of that client: whose, in which jail or set, until when."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from sshdoctor.facts.host.bans import Bans, Jail, unban_command
from sshdoctor.model import Evidence, Unknown
from sshdoctor.unblock.elements import element_with

if TYPE_CHECKING:
    from sshdoctor.facts.host.firewall import Firewall
    from sshdoctor.firewall import Rule

_JAIL_OF_CHAIN = re.compile(r"(?:f2b|fail2ban)-(.+)")
_JAIL_OF_SET = re.compile(r"(?:f2b-|addr6?-set-)(.+)")
_BANS = re.compile(r"ban|block|black|deny|drop|abuse|attack|bad", re.I)


class Ban(Struct, frozen=True):
    """``where``: "fail2ban's jail NAME", "the set NAME"; ``times`` as ", since ... until ..." or "".

    ``by`` is the program that bans, "set" for a set that no known program fills; ``jail`` is fail2ban's.
    """

    where: str
    fix: str
    times: str = ""
    evidence: tuple[Evidence, ...] = ()
    by: str = "set"
    jail: str = ""
    element: str = ""
    """What is banned: the client's address, or a network with it; "" where that is the client's address."""


def ban(
    rule: Rule,
    owner: str,
    source: str,
    bans: Bans | Unknown,
    firewall: Firewall | None = None,
    way: Sequence[Rule] = (),
) -> Ban | None:
    """The ban that ``rule`` carries out, None if it is none.

    ``way`` is the rules that led to it: one of them may have asked the set. ``firewall`` has the sets'
    elements.
    """
    from sshdoctor.firewall.owners import sets_of_source  # with the model, which is paid for elsewhere

    sets = sets_of_source(rule)
    jail = _jail(rule, sets) if owner == "fail2ban" else _jail_of_client(rule, source, bans)
    if jail is not None and isinstance(bans, Bans) and not bans.running:
        return _left_over(jail, sets, rule, source, firewall)
    if jail is not None:
        return _jailed(jail, source, bans)
    held = _element(sets, rule, source, firewall)
    if owner == "CrowdSec":
        what = f"--range {held}" if "/" in held else f"--ip {source}"
        return Ban("CrowdSec's decisions", f"cscli decisions delete {what}", by=owner, element=held)
    if owner == "sshguard":
        return Ban(
            "sshguard's block list",
            f"echo {source} >>/etc/sshguard/whitelist && systemctl restart --no-block sshguard "
            "(the file is the WHITELIST_FILE of sshguard.conf)",  # its end lifts all bans, and may take 90 s
            by=owner,
            element=held,
        )
    if owner == "sshdoctor":
        element = f"{rule.table} {next(iter(sets), '')} '{{ {source} }}'"
        return Ban(
            "the bans that other hosts have shared (protect --share)",
            f"nft delete element {element}, and unban {source} on the host that banned it",
            by=owner,
            element=held,
        )
    if owner == "Shorewall" and rule.chain == "dynamic":
        return Ban("Shorewall's dynamic blacklist", f"shorewall allow {source}", by=owner)
    for asking in (rule, *reversed(way)):
        for name in sets_of_source(asking):
            if _BANS.search(name):
                return _in_set(name, asking, owner, source, firewall)
    return None


def _element(sets: Sequence[str], rule: Rule, source: str, firewall: Firewall | None) -> str:
    """What a set that the rule asks holds: ``source``, or a network with it; "" if none is seen to."""
    table = rule.table if " " in rule.table else ""
    found = (element_with(name, table, source, firewall) for name in sets if firewall)
    return next(filter(None, found), "")


def _in_set(named: str, rule: Rule, owner: str, source: str, firewall: Firewall | None) -> Ban:
    """A set that no known program fills, or one of firewalld's ipsets."""
    table = rule.table if " " in rule.table else ""
    found = element_with(named, table, source, firewall) if firewall else ""
    name, element = shlex.quote(named), found or source
    if owner == "firewalld":
        taken = f"--ipset={name} --remove-entry={element}"
        also = (
            ""
            if found in ("", source)
            else f" (all of {found}; a rich rule for {source} lets in that one alone)"
        )
        return Ban(
            f"firewalld's ipset {named}",
            f"firewall-cmd --permanent {taken} && firewall-cmd --reload{also}",
            by=owner,
            element=found,
        )
    if table:
        deletion = f"nft delete element {shlex.join(table.split())} {name} '{{ {element} }}'"
        return Ban(f"the set {named}", deletion, element=found)
    unsure = "" if found else f" (or the network that holds it: ipset list {name})"
    return Ban(f"the set {named}", f"ipset del {name} {element}{unsure}", element=found)


def _jail(rule: Rule, sets: tuple[str, ...]) -> str | None:
    found = [*(_JAIL_OF_SET.match(name) for name in sets), _JAIL_OF_CHAIN.match(rule.chain)]
    return next((match[1] for match in found if match and match[1] != "chain"), None)


def _jail_of_client(rule: Rule, source: str, bans: Bans | Unknown) -> str | None:
    """fail2ban's actions for ufw and firewalld give the rule to these: it names just this client."""
    jails = bans.jails if isinstance(bans, Bans) and isinstance(bans.jails, tuple) else ()
    return jails[0].name if jails and _names(rule, source) else None


def _names(rule: Rule, source: str) -> bool:
    return not {source, f"{source}/32", f"{source}/128"}.isdisjoint(rule.text.split())


def may_be_a_ban(rule: Rule, source: str, bans: Bans | Unknown) -> bool:
    """Whether ``rule`` is for just this client, and what fail2ban holds was not seen: it may be its."""
    unseen = isinstance(bans, Unknown) or isinstance(bans.jails, Unknown)
    return unseen and _names(rule, source)


def _left_over(named: str, sets: Sequence[str], rule: Rule, source: str, firewall: Firewall | None) -> Ban:
    """A rule, or an element of a set, that outlived the server that made it."""
    where = f"what fail2ban's jail {named} has left (its server does not run)"
    if sets:
        held = _in_set(sets[0], rule, "", source, firewall)
        return Ban(where, held.fix, by="left", element=held.element)
    if " " in rule.table:
        fix = f"nft -a list table {shlex.join(rule.table.split())}, then nft delete rule with its handle"
        return Ban(where, fix, by="left")
    tool = "ip6tables" if ":" in source else "iptables"
    words = shlex.join(shlex.split(rule.text.replace("-A ", "-D ", 1)))
    return Ban(where, f"{tool} -t {shlex.quote(rule.table)} {words}", by="left")


def _jailed(named: str, source: str, bans: Bans | Unknown) -> Ban:
    """fail2ban's ipset action adds a 6 to the names of its sets for IPv6: its server knows the jail."""
    jails = bans.jails if isinstance(bans, Bans) and isinstance(bans.jails, tuple) else ()
    known = next((one for one in jails if named in (one.name, f"{one.name}6")), Jail(named, "", ""))
    times = f", since {known.since} until {known.until}" if known.since else ""
    evidence = bans.evidence if known.since and isinstance(bans, Bans) else ()
    return Ban(
        f"fail2ban's jail {known.name}",
        unban_command(known.name, known.element or source),
        times,
        evidence,
        by="fail2ban",
        jail=known.name,
        element=known.element,
    )
