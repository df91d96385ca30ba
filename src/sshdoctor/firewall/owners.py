"""Whose a rule is, by the names that programs give to their tables, chains and sets.

Sources: ufw(8); firewalld's core/fw_policy.py and nftables.py; fail2ban's action.d; sshguard's sshg-fw-*;
CrowdSec's firewall bouncer; moby's iptabler and nftabler; netavark; kubelet and kube-proxy; Shorewall's
Chains.pm. Measured with all of these but moby and Kubernetes. A program that leaves no name in its rules
(ferm, iptables-restore) is not told here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sshdoctor.firewall.model import Rule

_CHAINS = {
    "ufw": r"ufw6?-",
    "fail2ban": r"(?:f2b|fail2ban)-",
    "sshguard": r"sshguard",
    "CrowdSec": r"(?i:crowdsec)",
    "Docker": r"DOCKER",
    "Podman": r"NETAVARK|CNI-",
    "Kubernetes": r"KUBE-",
}
_CHAIN = re.compile("|".join(f"(?P<{owner}>{begin})" for owner, begin in _CHAINS.items()))
_TABLES = {
    "firewalld": "firewalld",
    "firewalld_policy_drop": "firewalld's panic mode",
    "f2b-table": "fail2ban",
    "sshguard": "sshguard",
    "crowdsec": "CrowdSec",
    "crowdsec6": "CrowdSec",
    "docker-bridges": "Docker",
    "netavark": "Podman",
    "kube-proxy": "Kubernetes",
    "sshdoctor_share": "sshdoctor",
}
_SETS = {"f2b-": "fail2ban", "sshguard": "sshguard", "crowdsec": "CrowdSec"}
_SET_OF_SOURCE = re.compile(r"(?<!! )--match-set (\S+) src\b|saddr @(\S+)")

_OF_FIREWALLD = re.compile(r"(?:IN|INPUT|FWDI|PRE|RAW|OUTPUT)_\w+$")
_ENDS_OF_FIREWALLD = re.compile(
    r"^-A (INPUT|FORWARD) (-j REJECT --reject-with icmp6?-\S+|.*--ctstate INVALID -j DROP)$"
)
_OF_SHOREWALL = re.compile(
    r"(?:\w+[-2]fw|fw[-2]\w+|\w+_(?:in|out|fwd|iop|oop)|dynamic|blacklst|smurfs|tcpflags|reject"
    r"|smurflog|log(?:drop|flags|reject)|sha-[lr]h-[0-9a-f]+|[~%@]\w+)$"
)


def named_owner(rule: Rule) -> str | None:
    """The program whose name a rule's table, chain, or a set that it asks bears; None if it bears none.

    >>> named_owner(Rule("filter", "f2b-sshd", 1, "-A f2b-sshd -s 203.0.113.7/32 -j DROP"))
    'fail2ban'
    >>> named_owner(Rule("inet firewalld", "filter_IN_public", 6, "reject with icmpx admin-prohibited"))
    'firewalld'
    >>> named_owner(Rule("inet mine", "ufw-like", 1, "drop"))
    """
    return owner_of_chain(rule.table, rule.chain) or next(
        (owner for name in sets_of_source(rule) for begin, owner in _SETS.items() if name.startswith(begin)),
        None,
    )


def owner_of_chain(table: str, chain: str) -> str | None:
    """The owner by name alone. A table of nftables' own is told by its name, never by a chain's.

    >>> owner_of_chain("filter", "DOCKER-USER"), owner_of_chain("ip docker-bridges", "filter-FORWARD")
    ('Docker', 'Docker')
    """
    if " " in table:
        return _TABLES.get(table.partition(" ")[2])
    found = _CHAIN.match(chain)
    return found.lastgroup if found else None


def marked_owner(rule: Rule, rulesets: Iterable[str]) -> str | None:
    """The owner by a chain that only one program makes, in ``rulesets`` (outputs of iptables-save).

    That chain vouches for what is named or built as that program does it: chains with common names, the
    policy, and how a base chain ends. A rule that somebody put beside these is not taken for the program's.

    >>> saved = "*filter\\n:INPUT DROP [0:0]\\n:net-fw - [0:0]\\n:shorewall - [0:0]\\n"
    >>> marked_owner(Rule("filter", "net-fw", 7, "-A net-fw -j DROP"), [saved])
    'Shorewall'
    >>> marked_owner(Rule("filter", "INPUT", 1, "-A INPUT -p tcp -j DROP"), [saved])
    """
    texts = [text for text in rulesets if text]
    policy = rule.number is None and rule.table == "filter"
    if policy and any("\n:ufw-before-input " in text for text in texts):
        return "ufw"
    firewalld = _OF_FIREWALLD.match(rule.chain) or _ENDS_OF_FIREWALLD.search(rule.text)
    if firewalld and any("\n:INPUT_ZONES " in text for text in texts):
        return "firewalld"
    shorewall = policy or (rule.table == "filter" and _OF_SHOREWALL.match(rule.chain))
    return "Shorewall" if shorewall and any("\n:shorewall " in text for text in texts) else None


def sets_of_source(rule: Rule) -> tuple[str, ...]:
    """The sets that a rule looks its client up in (not those that the client must not be in).

    >>> sets_of_source(Rule("filter", "INPUT", 1, "-A INPUT -m set --match-set f2b-sshd src -j DROP"))
    ('f2b-sshd',)
    >>> sets_of_source(Rule("filter", "INPUT", 1, "-A INPUT -m set ! --match-set office src -j DROP"))
    ()
    """
    return tuple(one or other for one, other in _SET_OF_SOURCE.findall(rule.text))
