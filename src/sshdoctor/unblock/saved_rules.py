"""Where a rule must stand in a file to come back, after a reboot, before the one that stops a client."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from sshdoctor.model import Unknown

if TYPE_CHECKING:
    from sshdoctor.facts.host.firewall import Firewall
    from sshdoctor.firewall import Rule
    from sshdoctor.unblock.owner import Owner

_RESTORED = {
    "ipv4": ("/etc/iptables/rules.v4", "/etc/sysconfig/iptables"),
    "ipv6": ("/etc/iptables/rules.v6", "/etc/sysconfig/ip6tables"),
}
_NFTABLES = "/etc/nftables.conf"


class Saved(Struct, frozen=True):
    """``line`` is the whole line of ``file`` that the rule stands before, or ``after``; in a file of nft's,
    whose end takes an ``insert rule``, it is ""."""

    file: str = ""
    line: str = ""
    after: bool = False

    @property
    def pattern(self) -> str:
        """A regular expression (Python's and POSIX' alike) for that line alone.

        >>> print(Saved("/etc/iptables/rules.v4", "-A INPUT -s 192.0.2.0/24 -j DROP").pattern)
        ^-A INPUT -s 192\\.0\\.2\\.0/24 -j DROP *$
        """
        quoted = re.sub(r"([][\\.*^$+?(){}|])", r"\\\1", self.line)
        return f"^{quoted} *$" if self.line else ""


NOWHERE = Saved()


def saved_place(rule: Rule, owner: Owner, family: str, firewall: Firewall) -> Saved:
    """The place for a rule before ``rule``; NOWHERE if ``rule`` itself is not restored from a file, or if the
    file does not tell the place for sure."""
    if owner.saved is False:
        return NOWHERE
    if " " in rule.table:
        return _in_nft(rule, owner, firewall)
    for file in _RESTORED[family] if owner.saved is True else ():
        lines = firewall.saved.get(file, ())
        if not isinstance(lines, Unknown) and (found := _beside(rule, lines)):
            unique = sum(line.rstrip() == found.rstrip() for line in lines) == 1
            return Saved(file, found.rstrip(), after=rule.number is None) if unique else NOWHERE
    return NOWHERE


def _in_nft(rule: Rule, owner: Owner, firewall: Firewall) -> Saved:
    """The service must load the file, and the file must have the chain."""
    lines = firewall.saved.get(_NFTABLES, ())
    if owner.name not in ("nftables", "nftables.service") or isinstance(lines, Unknown):
        return NOWHERE
    has_chain = any(re.match(rf"(?>.*?\bchain\b).*\b{re.escape(rule.chain)}\b", line) for line in lines)
    return Saved(_NFTABLES) if has_chain else NOWHERE


def _beside(rule: Rule, lines: tuple[str, ...]) -> str:
    """The line of the rule itself; for a policy the chain's last rule, or else its declaration."""
    table, found = "", ""
    for line in lines:
        table = line[1:].strip() if line.startswith("*") else table
        if table != rule.table:
            continue
        if rule.number is not None:
            if line.rstrip() == rule.text.rstrip():
                return line
        elif line.startswith((f":{rule.chain} ", f"-A {rule.chain} ")):
            found = line
    return found
