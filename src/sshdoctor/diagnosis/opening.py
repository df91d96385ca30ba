"""What a person types so that a firewall lets a client in, in the words of the tool that owns the rule."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from sshdoctor.diagnosis.dialled import Dialled

if TYPE_CHECKING:
    from sshdoctor.firewall import Rule

_ZONE = re.compile(r"(?:filter_)?IN_(.+?)(?:_(pre|log|deny|allow|post))?$")


def opening(rule: Rule, owner: str, dial: Dialled, source: str) -> str:
    """The command that accepts the port, or this client, before ``rule``."""
    outward = "out" in rule.chain.lower() or rule.chain == "POSTROUTING"
    if owner == "ufw" and not outward:
        return _ufw(rule, dial, source)
    if owner == "firewalld" and not outward:
        return _firewalld(rule, dial, source)
    command = f"Before that rule, accept the client: {_accepting(rule, dial, source, outward)}"
    if owner == "iptables-persistent":
        return f"{command} && netfilter-persistent save"
    if owner == "nftables.service":
        return f"{command} (and write it into /etc/nftables.conf, else it is gone after a reboot)"
    return command


def tool(dial: Dialled) -> str:
    """iptables, or ip6tables."""
    return "ip6tables" if dial.family == "ipv6" else "iptables"


def is_native(rule: Rule) -> bool:
    """A rule of nftables' own: its table is named with its family, as in ``inet filter``."""
    return " " in rule.table


def _ufw(rule: Rule, dial: Dialled, source: str) -> str:
    """``allow`` takes the place of ufw's own rule for the port, or the last place; ``prepend`` the first."""
    plain = rule.number is None or f" --dport {dial.port} -j " in rule.text
    if plain and not re.search(r" (-s|-i|-d) ", rule.text):
        return f"ufw allow {dial.port}/tcp"
    return f"ufw prepend allow from {source} to any port {dial.port} proto tcp"


def _firewalld(rule: Rule, dial: Dialled, source: str) -> str:
    """What a zone denies comes before what it allows, except for rich rules of a negative priority."""
    zone = _ZONE.match(rule.chain)
    of_zone = f" --zone={shlex.quote(zone[1])}" if zone and zone[1] != "ZONES" else ""
    if zone and zone[2] in ("pre", "log", "deny"):
        what = f"family={dial.family} source address={source} port port={dial.port} protocol=tcp accept"
        add = f"--add-rich-rule='rule priority=-32768 {what}'"
    else:
        add = "--add-service=ssh" if dial.port == 22 else f"--add-port={dial.port}/tcp"
    return f"firewall-cmd --permanent{of_zone} {add} && firewall-cmd --reload"


def _accepting(rule: Rule, dial: Dialled, source: str, outward: bool) -> str:
    """The smallest rule that takes this client's packets before the one that stops them."""
    chain = shlex.quote(rule.chain)
    if is_native(rule):
        ends = f"sport {dial.port}" if outward else f"dport {dial.port}"
        peer = f"{'ip6' if dial.family == 'ipv6' else 'ip'} {'daddr' if outward else 'saddr'} {source}"
        return f"nft insert rule {shlex.join(rule.table.split())} {chain} {peer} tcp {ends} accept"
    ends = f"--sport {dial.port} -d {source}" if outward else f"--dport {dial.port} -s {source}"
    where = f"-A {chain}" if rule.number is None else f"-I {chain} {rule.number}"
    return f"{tool(dial)} -t {rule.table} {where} -p tcp {ends} -j ACCEPT"


def removal(rule: Rule, dial: Dialled) -> str:
    """The command that takes ``rule`` away; nft wants the handle that its listing shows."""
    chain = shlex.quote(rule.chain)
    if is_native(rule):
        where = f"{shlex.join(rule.table.split())} {chain}"
        return f"nft -a list chain {where}; nft delete rule {where} handle N"
    return f"{tool(dial)} -t {rule.table} -D {chain} {rule.number}"
