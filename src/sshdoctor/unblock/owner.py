"""Whose a firewall rule is on this host, which command changes it, and whether it outlives a reboot."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.facts.host.firewall import Firewall
from sshdoctor.model import Unknown

if TYPE_CHECKING:
    from sshdoctor.firewall import Rule

_UNIT = {
    "ufw": "ufw",
    "firewalld": "firewalld",
    "fail2ban": "fail2ban",
    "sshguard": "sshguard",
    "CrowdSec": "crowdsec-firewall-bouncer",
    "Docker": "docker",
    "Shorewall": "shorewall",
}
_LOADERS = {"ferm": "ferm", "shorewall": "Shorewall", "shorewall6": "Shorewall", "script": "a script"}
"""What may load a rule at boot that bears nobody's name: how the fact says it, and its name."""
_RESTORED = {
    "ipv4": {"netfilter-persistent": "/etc/iptables/rules.v4", "iptables": "/etc/sysconfig/iptables"},
    "ipv6": {"netfilter-persistent": "/etc/iptables/rules.v6", "ip6tables": "/etc/sysconfig/ip6tables"},
}
_NFTABLES = "/etc/nftables.conf"
_DIRECT = "/etc/firewalld/direct.xml"
_DIRECT_RULE = re.compile(r"<rule ([^<>]*)>([^<]*)</rule>")


class Owner(Struct, frozen=True):
    """``saved``: whether the rule comes back after a reboot.

    ``loader``: a program that may have loaded the rule and leaves no name in it, "" if there is none.
    """

    name: str
    saved: bool | Unknown
    loader: str = ""

    def __str__(self) -> str:
        name = f"{self.name} or {self.loader}" if self.loader else self.name
        if isinstance(self.saved, Unknown):
            return f"a rule of {name}"
        return f"a rule of {name}, which {'comes back' if self.saved else 'is gone'} after a reboot"


def owner_of(rule: Rule, family: str, firewall: Firewall) -> Owner:
    """The owner of the rule that decided for a packet of ``family``, by its names and what is on the host."""
    from sshdoctor.firewall.owners import marked_owner, named_owner

    name = named_owner(rule) or marked_owner(rule, [dump.text for dump in firewall.dumps])
    if name == "Docker" and rule.chain == "DOCKER-USER":  # Docker makes the chain, and leaves it to its user
        return replace(_restored(rule, family, firewall), name="Docker", loader="")
    if name is not None and (name != "ufw" or rule.number is not None or name in firewall.managers):
        return Owner(name, _service_saves(name, family, firewall))
    if " " in rule.table:
        return _loaded_from_nft(rule, firewall)
    return _of_firewalld_directly(rule, family, firewall) or _restored(rule, family, firewall)


def command_for(rule: Rule, family: str, firewall: Firewall) -> str:
    """The iptables that speaks to the back end which holds ``rule``: the plain one, where it is that.

    The kernel runs both back ends, and a rule that is put into the other one stops nothing.
    """
    plain = "ip6tables" if family == "ipv6" else "iptables"
    tools = [dump.tool for dump in firewall.dumps if dump.family == family]
    holding = [
        dump.tool
        for dump in firewall.dumps
        if dump.family == family and (len(tools) == 1 or _holds(tuple(dump.text.splitlines()), rule))
    ]
    backend = next((each for each in ("nft", "legacy") if f"-{each}-" in (holding or [""])[0]), "")
    return f"{plain}-{backend}" if backend and backend != firewall.default.get(family, "nft") else plain


def _service_saves(name: str, family: str, firewall: Firewall) -> bool | Unknown:
    """A service writes its rules again when it starts; what firewalld has at run time only is not seen."""
    unit = "shorewall6" if name == "Shorewall" and family == "ipv6" else _UNIT.get(name)
    if unit is None:
        return Unknown(f"{name} writes its rules when it is needed")
    if isinstance(firewall.boot, Unknown):
        return firewall.boot
    if unit not in firewall.boot or (name == "ufw" and name not in firewall.managers):
        return False
    return Unknown("firewalld may hold it at run time only") if name == "firewalld" else True


def _loaded_from_nft(rule: Rule, firewall: Firewall) -> Owner:
    """A rule of nftables that no program made; its file may have variables, includes, other words."""
    if isinstance(firewall.boot, Unknown):
        return Owner("nftables", firewall.boot)
    if "nftables" not in firewall.boot:
        by = next(iter(firewall.loaders), "")
        return Owner("nftables", Unknown(f"{by} loads rules") if by else False, by)
    lines = firewall.saved.get(_NFTABLES, ())
    if isinstance(lines, Unknown):
        return Owner("nftables", lines)
    if rule.number is None:
        body = "\n".join(lines).partition(f"chain {rule.chain} {{")[2].partition("}")[0]
        found = "policy drop" in body
    else:
        found = _plain(rule.text) in [_plain(line) for line in lines]
    return (
        Owner("nftables.service", True)
        if found
        else Owner("nftables", Unknown(f"{_NFTABLES} has other words"))
    )


def _of_firewalld_directly(rule: Rule, family: str, firewall: Firewall) -> Owner | None:
    """firewalld's direct rules stand in iptables as they were given, and nothing of firewalld with them."""
    lines = firewall.saved.get(_DIRECT, ())
    if isinstance(lines, Unknown) or not any(_is_direct(line, rule, family) for line in lines):
        return None
    return Owner(
        "firewalld (direct)",
        "firewalld" in firewall.boot if isinstance(firewall.boot, tuple) else firewall.boot,
    )


def _is_direct(line: str, rule: Rule, family: str) -> bool:
    """iptables-save changes the order of the words, and adds a few that go without saying.

    >>> from sshdoctor.firewall import Rule
    >>> line = '<rule ipv="ipv4" table="filter" chain="INPUT" priority="0">-p tcp --dport 22 -j DROP</rule>'
    >>> _is_direct(line, Rule("filter", "INPUT", 1, "-A INPUT -p tcp -m tcp --dport 22 -j DROP"), "ipv4")
    True
    >>> _is_direct(line, Rule("filter", "INPUT", 1, "-A INPUT -p tcp -m tcp --dport 2222 -j DROP"), "ipv4")
    False
    """
    found = _DIRECT_RULE.search(line)
    if found is None or not {f'ipv="{family}"', f'table="{rule.table}"', f'chain="{rule.chain}"'} <= {
        *found[1].split()
    }:
        return False
    given, loaded = found[2].split(), rule.text.split()[2:]
    added = {"-m", "--reject-with", "icmp-port-unreachable", "icmp6-port-unreachable", *given}
    same = {word.removesuffix("/32").removesuffix("/128") for word in loaded}
    return {word.removesuffix("/32").removesuffix("/128") for word in given} <= same <= added


def _restored(rule: Rule, family: str, firewall: Firewall) -> Owner:
    """A rule of iptables that no program made: it comes back if it stands in the file that is restored."""
    if isinstance(firewall.boot, Unknown):
        return Owner("iptables", firewall.boot)
    for service, path in _RESTORED[family].items():
        lines = firewall.saved.get(path, ())
        if service not in firewall.boot:
            continue
        if isinstance(lines, Unknown):
            return Owner("iptables", lines)
        if _holds(lines, rule):
            name = "iptables-persistent" if service == "netfilter-persistent" else f"{service}.service"
            return Owner(name, True)
    for found in firewall.loaders:
        return Owner("iptables", Unknown(f"{found} loads rules"), found)
    for unit, loader in _LOADERS.items():
        if unit in firewall.boot:
            return Owner("iptables", Unknown(f"{loader} loads rules at boot"), loader)
    return Owner("iptables", False)


def _holds(lines: tuple[str, ...], rule: Rule) -> bool:
    wanted = f":{rule.chain} {rule.text.removeprefix('policy ')} " if rule.number is None else rule.text
    table = ""
    for line in lines:
        table = line[1:].strip() if line.startswith("*") else table
        if table == rule.table and f"{line.rstrip()} ".startswith(f"{wanted.rstrip()} "):
            return True
    return False


def _plain(text: str) -> str:
    """Without what nft adds when it lists a rule: counters and handles."""
    return re.sub(r"\bcounter packets \d+ bytes \d+", "counter", text.partition(" # handle")[0]).strip()
