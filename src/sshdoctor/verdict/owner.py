"""Who wrote a rule, by the names that the programs give to their tables, chains and sets."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sshdoctor.firewall import Rule

_NAMES = {
    "ufw": r"ufw6?-",
    "firewalld": r"inet firewalld |IN_\w+_(?:allow|deny|log|pre|post)\b|INPUT_(?:ZONES|direct)\b",
    "fail2ban": r"f2b-|fail2ban-",
    "sshguard": r"sshguard",
    "CrowdSec": r"(?i:crowdsec)",
    "Docker": r"DOCKER",
    "Podman": r"NETAVARK|CNI-|netavark ",
    "Kubernetes": r"KUBE-",
}
_OWNERS = re.compile("|".join(f"(?P<{owner}>(?<![\\w-])(?:{names}))" for owner, names in _NAMES.items()))
_SETS = re.compile(r"(?<!! )--match-set (\S+)")


def owner_of(rule: Rule | None, way: Iterable[str]) -> str | None:
    """The program that wrote the rule, or else the set that it asks, or the last jump that led to it; None if
    no name tells.

    >>> owner_of(Rule("filter", "f2b-sshd", 1, "-A f2b-sshd -s 203.0.113.7/32 -j DROP"), ())
    'fail2ban'
    """
    if rule is None:
        return None
    for place in (f"{rule.table} {rule.chain} ", *_SETS.findall(rule.text), *reversed(list(way))):
        if found := _OWNERS.search(place):
            return found.lastgroup
    return None
