"""Which opening lets a client in past the rule that decides: by whose it is, and where it stands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from sshdoctor.unblock.opening import Opening
from sshdoctor.unblock.saved_rules import saved_place

if TYPE_CHECKING:
    from sshdoctor.facts.host.firewall import Firewall
    from sshdoctor.firewall import Packet, Rule, Verdict
    from sshdoctor.unblock.owner import Owner

_ZONE = re.compile(r"(?:filter_)?IN_(policy_)?(.+?)(?:_(pre|log|deny|allow|post))?$")


def opening(
    verdict: Verdict, owner: Owner, packet: Packet, iptables: str, firewall: Firewall
) -> Opening | None:
    """What accepts the port dialled, or this client, before the rule that decides; None if no rule does.

    ``iptables`` is the command for the back end that holds the rule.
    """
    rule, name = verdict.rule, owner.loader or owner.name
    if rule is None:
        return None
    outward = _is_outward(rule, verdict.way, firewall)
    backend = "nft" if is_native(rule) else iptables
    plain = Opening(
        owner=name, tool=backend, backend=backend, family=packet.family, table=rule.table, chain=rule.chain,
        number=rule.number, place="before", port=packet.destination_port, source=packet.source,
        outward=outward,
        returns=owner.saved if isinstance(owner.saved, bool) else None,
    ).bare()  # fmt: skip
    if name == "ufw" and not outward:
        return _of_ufw(rule, plain, firewall)
    if name == "firewalld" and not outward:
        return _of_firewalld(rule, plain, default_zone(firewall), listed=_admits_some(plain, firewall))
    return replace(plain, saved=saved_place(rule, owner, packet.family, firewall))


def is_native(rule: Rule) -> bool:
    """A rule of nftables' own: its table is named with its family, as in ``inet filter``."""
    return " " in rule.table


def _is_outward(rule: Rule, way: tuple[str, ...], firewall: Firewall) -> bool:
    """Whether the kernel calls the chain that led to ``rule`` for packets that leave."""
    begin = way[0].partition(" rule ")[0] if way else f"{rule.table} {rule.chain}"
    table, _, chain = begin.rpartition(" ")
    if chain in _HOOKS:
        return chain in ("OUTPUT", "POSTROUTING")
    block = (firewall.nft_text or "").partition(f"table {table} {{")[2].partition(f"\tchain {chain} {{")[2]
    hook = re.match(r"[^{}]*? hook (\w+)", block)
    return hook[1] in ("output", "postrouting", "egress") if hook else "out" in chain.lower()


_HOOKS = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")


def _of_ufw(rule: Rule, plain: Opening, firewall: Firewall) -> Opening:
    """``allow`` takes the place of ufw's own rule for the port, or the last place; ``prepend`` the first."""
    twin = rule.text.replace("-p tcp -m tcp", "-p udp -m udp")  # ``ufw deny PORT`` makes one for each
    both = any(twin in dump.text.splitlines() for dump in firewall.dumps)
    own = f" --dport {plain.port} -j " in rule.text and not both
    if _admits_some(plain, firewall):
        return replace(plain, tool="ufw", place="first")
    if (rule.number is None or own) and not re.search(r" (-s|-i|-d) ", rule.text):
        return replace(plain, tool="ufw", place="end", source=None)
    return replace(plain, tool="ufw", place="first")


def _admits_some(plain: Opening, firewall: Firewall) -> bool:
    """Rules let certain addresses in at this port: whoever keeps such a list does not mean everybody."""
    port = rf"(?:--dports? (?:\S*,)?{plain.port}(?=[\s,])|dport {plain.port} )"
    saved = rf"^-A .*-s (?!0\.0\.0\.0/0|::/0)\S+ .*{port}.*-j ACCEPT"
    listed = rf"\bsaddr (?!0\.0\.0\.0/0)\S+ .*{port}.*\baccept\b"
    texts = [dump.text for dump in firewall.dumps]
    return any(re.search(saved, text, re.M) for text in texts) or bool(
        re.search(listed, firewall.nft_text or "", re.M)
    )


def _of_firewalld(rule: Rule, plain: Opening, default_zone: str, *, listed: bool) -> Opening:
    """What a zone or policy denies comes before what it allows, but for rich rules of a negative priority."""
    zone = _ZONE.match(rule.chain)
    name = zone[2] if zone and zone[2] != "ZONES" else default_zone
    named = replace(plain, tool="firewall-cmd", zone=name)
    if zone and zone[1]:
        named = replace(named, zone="", policy=name)
    if listed or (zone and zone[3] in ("pre", "log", "deny")):
        return replace(named, place="first")
    return replace(named, place="end", source=None)


def default_zone(firewall: Firewall) -> str:
    """firewalld's zone for what no other zone takes: the last that its dispatching chain names."""
    listing = (firewall.nft_text or "").partition("chain filter_INPUT_ZONES {")[2].partition("}")[0]
    saved = "\n".join(dump.text for dump in firewall.dumps)
    found = re.findall(r"goto filter_IN_(\S+)", listing) or re.findall(
        r"^-A INPUT_ZONES .*-g IN_(\S+)", saved, re.M
    )
    return found[-1] if found else "public"
