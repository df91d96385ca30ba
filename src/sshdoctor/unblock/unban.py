"""A ban of this client as a change that lifts it, for a program to carry out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from sshdoctor.unblock.ban import Ban
from sshdoctor.unblock.redirect import words

if TYPE_CHECKING:
    from sshdoctor.firewall import Rule


class Unban(Struct, frozen=True, kw_only=True):
    """``by``: fail2ban, sshguard, CrowdSec, Shorewall, sshdoctor (a ban that another host shared), or "set"
    for a set that no known program fills.

    ``jail`` is fail2ban's. ``set_name`` is the set's, in ``table`` of nft ("inet mine"), or of ipset where
    that is ""; "" where the rule asks none. ``rule`` is the one that carries the ban out.
    """

    by: str
    jail: str
    set_name: str
    table: str
    address: str
    """What is lifted: the client's, or the network that its jail holds."""
    client: str
    family: str
    rule: Rule

    def variables(self) -> dict[str, object]:
        """One item of ``unbans``, which the playbook ``unban-client`` takes; every value is plain."""
        native, held = bool(self.table), f"{self.set_name} {self.address}"
        in_set = self.by != "fail2ban" and self.set_name != ""
        in_rule = self.by == "sshguard" and not in_set and not native
        plain = "ip6tables" if self.family == "ipv6" else "iptables"
        shorewall = "shorewall6" if self.family == "ipv6" else "shorewall"
        return {
            "by": self.by,
            "address": self.address,
            "client": self.client,
            "jail": self.jail,
            "jail_entry": f"{self.jail}={self.address}" if self.jail else "",
            "ignore_entry": f"{self.jail}={self.client}" if self.jail else "",
            "rule": self.rule.text if in_rule else "",
            "rule_deletion": [plain, "-D", *words(self.rule.text)[1:]] if in_rule else [],
            "shorewall": shorewall if self.by == "Shorewall" else "",
            "nft_element": f"{self.table} {self.set_name} {{ {self.address} }}" if in_set and native else "",
            "ipset_entry": held if in_set and not native else "",
        }


def unban(held: Ban, rule: Rule, address: str, family: str) -> Unban | None:
    """The change that lifts ``held``, which ``rule`` carries out for the client ``address``.

    None where others would be let in with it (a set holds a network with the client, and no program owns that
    ban), or where it is firewalld's own: then an opening lets this client in alone.
    """
    if held.by in ("firewalld", "left") or (not held.jail and held.element not in ("", address)):
        return None
    from sshdoctor.firewall.owners import sets_of_source  # with the model, which is paid for elsewhere

    sets = sets_of_source(rule)
    named = [name for name in sets if held.where == f"the set {name}"]
    return Unban(
        by=held.by,
        jail=held.jail,
        set_name=next(iter([*named, *sets]), ""),
        table=rule.table if " " in rule.table else "",
        address=(held.element if held.jail else "") or address,
        client=address,
        family=family,
        rule=rule,
    )
