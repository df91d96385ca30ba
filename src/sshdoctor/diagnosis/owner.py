"""Whose a firewall rule is, and whether it comes back after a reboot.

The names are those that the tools give: ufw(8), firewalld's policies (``filter_IN_ZONE_allow`` in nftables,
``IN_ZONE_allow`` in iptables), fail2ban's action.d, netavark, moby's iptables driver, kube-proxy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sshdoctor.facts.firewall import Firewall
from sshdoctor.model import Unknown

if TYPE_CHECKING:
    from sshdoctor.firewall import Rule

_BY_CHAIN = (
    ("ufw", re.compile(r"ufw6?-")),
    ("fail2ban", re.compile(r"(f2b|fail2ban)-")),
    ("sshguard", re.compile(r"sshguard")),
    ("CrowdSec", re.compile(r"crowdsec", re.I)),
    ("Docker", re.compile(r"DOCKER")),
    ("Podman", re.compile(r"NETAVARK|CNI-")),
    ("Kubernetes", re.compile(r"KUBE-")),
)
_BY_TABLE = {
    "firewalld": "firewalld",
    "f2b-table": "fail2ban",
    "sshguard": "sshguard",
    "crowdsec": "CrowdSec",
    "crowdsec6": "CrowdSec",
    "netavark": "Podman",
}
_BY_SET = (("fail2ban", "f2b-"), ("sshguard", "sshguard"), ("CrowdSec", "crowdsec"))
_UNIT = {
    "ufw": "ufw",
    "firewalld": "firewalld",
    "fail2ban": "fail2ban",
    "sshguard": "sshguard",
    "CrowdSec": "crowdsec-firewall-bouncer",
    "Docker": "docker",
}
_RESTORED = {
    "ipv4": {"netfilter-persistent": "/etc/iptables/rules.v4", "iptables": "/etc/sysconfig/iptables"},
    "ipv6": {"netfilter-persistent": "/etc/iptables/rules.v6", "ip6tables": "/etc/sysconfig/ip6tables"},
}
_NFTABLES = "/etc/nftables.conf"
_FIREWALLD_CHAIN = re.compile(r"(IN|INPUT|FWDI|PRE|RAW|OUTPUT)_\w+$")
_SET = re.compile(r"(?<!! )--match-set (\S+) src\b|saddr @(\S+)")
_FIREWALLD_ENDS = re.compile(
    r"-A (INPUT|FORWARD) (-j REJECT --reject-with icmp6?-\S+|.*--ctstate INVALID -j DROP)$"
)


@dataclass(frozen=True, slots=True)
class Owner:
    """``saved``: whether the rule comes back after a reboot."""

    name: str
    saved: bool | Unknown

    def __str__(self) -> str:
        if isinstance(self.saved, Unknown):
            return f"a rule of {self.name}"
        return f"a rule of {self.name}, which {'comes back' if self.saved else 'is gone'} after a reboot"


def owner_of(rule: Rule, family: str, firewall: Firewall) -> Owner:
    """The owner of the rule that decided for a packet of ``family``, by its names and what is on the host."""
    name = _named(rule) or _of_base_chain(rule, firewall)
    if name is not None:
        return Owner(name, _service_saves(name, firewall))
    return _loaded_from_nft(rule, firewall) if " " in rule.table else _restored(rule, family, firewall)


def sets_of_source(rule: Rule) -> tuple[str, ...]:
    """The sets that a rule looks its client up in (not those that the client must not be in).

    >>> from sshdoctor.firewall import Rule
    >>> sets_of_source(Rule("filter", "INPUT", 1, "-A INPUT -m set --match-set f2b-sshd src -j DROP"))
    ('f2b-sshd',)
    >>> sets_of_source(Rule("filter", "INPUT", 1, "-A INPUT -m set ! --match-set office src -j DROP"))
    ()
    """
    return tuple(one or other for one, other in _SET.findall(rule.text))


def _named(rule: Rule) -> str | None:
    family, _, table = rule.table.partition(" ")
    if family and table in _BY_TABLE:
        return _BY_TABLE[table]
    chains = () if table else _BY_CHAIN
    by_chain = next((owner for owner, names in chains if names.match(rule.chain)), None)
    sets = sets_of_source(rule)
    return by_chain or next(
        (owner for owner, begin in _BY_SET if any(s.startswith(begin) for s in sets)), None
    )


def _of_base_chain(rule: Rule, firewall: Firewall) -> str | None:
    """What can only be told by the chains beside it: a policy, the end of a base chain, firewalld's own."""
    dumps = [dump.text for dump in firewall.dumps]
    if rule.number is None and rule.table == "filter" and any(":ufw-before-input " in text for text in dumps):
        return "ufw" if "ufw" in firewall.managers else None
    theirs = _FIREWALLD_CHAIN.match(rule.chain) or _FIREWALLD_ENDS.search(rule.text)
    return "firewalld" if theirs and any("\n:INPUT_ZONES " in text for text in dumps) else None


def _service_saves(name: str, firewall: Firewall) -> bool | Unknown:
    """A service writes its rules again when it starts; what firewalld has at run time only is not seen."""
    unit = _UNIT.get(name)
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
        return Owner("nftables", False)
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
