"""Whether the host's own rules let its hardware address be found: ARP, and neighbour discovery of IPv6."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from msgspec import Struct

from sshdoctor.facts.host.addresses import Addresses
from sshdoctor.facts.host.firewall import Firewall
from sshdoctor.model import Command, Evidence, Unknown

if TYPE_CHECKING:
    from sshdoctor.firewall import Packet, Rule, Verdict


class Discovery(Struct, frozen=True):
    """``why`` says what stops it, "" if nothing surely does; ``fix`` is the rule that lets it pass."""

    why: str = ""
    fix: Command = Command("")
    evidence: tuple[Evidence, ...] = ()


def discovery(
    verdict: Verdict, packet: Packet, firewall: Firewall, addresses: Addresses | Unknown
) -> Discovery:
    """For the host's address dialled; whoever asks is the client, or the router before it."""
    if packet.family == "ipv6":
        return _of_ipv6(verdict.caveat)
    if not firewall.nft_json or '"arp"' not in firewall.nft_json:
        return Discovery()
    from sshdoctor.firewall.arp import conversation, stopped_by

    asker = _asker(packet.source, addresses)
    for message in conversation(asker, packet.destination, packet.in_interface):
        rule = stopped_by(firewall.nft_json, firewall.nft_text or "", message)
        if rule is not None:
            why = f"{message.name} is dropped by {rule}"
            return Discovery(why, Command(_accepting(rule)), (Evidence("nft -a list ruleset", str(rule)),))
    return Discovery()


def _asker(client: str, addresses: Addresses | Unknown) -> str:
    text = "" if isinstance(addresses, Unknown) else addresses.return_text
    via = re.search(r" via (\d\S*)", text)
    return via[1] if via else client


def _accepting(rule: Rule) -> str:
    table, chain = shlex.join(rule.table.split()), shlex.quote(rule.chain)
    return f"nft insert rule {table} {chain} accept (or take that rule away: nft -a list table {table})"


def _of_ipv6(caveat: str) -> Discovery:
    """The model's sentence names the message and the rule that stops it."""
    stopped = re.match(r"(?>(.*?) are stopped by )(.*): IPv6 works only", caveat)
    if stopped is None:
        return Discovery()
    rule, kind = stopped[2], "solicitation" if "solicitations" in stopped[1] else "advertisement"
    return Discovery(
        f"{stopped[1]} (ICMPv6 neighbour-{kind}) are stopped by {rule}",
        Command(_accepting_neighbours(rule, kind)),
        (Evidence("ip6tables-save; nft list ruleset", rule),),
    )


def _accepting_neighbours(rule: str, kind: str) -> str:
    words = rule.split()
    native = re.match(r"(ip6|inet|netdev) (\S+) (\S+)", rule)
    if native and words[0] in ("ip6", "inet", "netdev"):
        table, chain = f"{native[1]} {shlex.quote(native[2])}", shlex.quote(native[3])
        return f"nft insert rule {table} {chain} icmpv6 type nd-neighbor-{_AMERICAN[kind]} accept"
    return (
        f"ip6tables -t {shlex.quote(words[0])} -I {shlex.quote(words[1])} -p icmpv6 "
        f"--icmpv6-type neighbour-{kind} -j ACCEPT (all of ICMPv6 is better: RFC 4890)"
    )


_AMERICAN = {"solicitation": "solicit", "advertisement": "advert"}
