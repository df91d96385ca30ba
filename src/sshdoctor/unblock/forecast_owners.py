"""What ufw and firewalld make of the kernel's rules when they are told to let a client in.

Measured with ufw 0.36.2 and firewalld 1.3, both back ends.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from msgspec.structs import replace

from sshdoctor.facts.host.firewall import Firewall, SavedRules
from sshdoctor.unblock import ruleset_json as nft
from sshdoctor.unblock.opening import Opening
from sshdoctor.unblock.ruleset_text import Rules, change_chain, has_chain


def listed(firewall: Firewall, edit: Callable[[nft.Listing], nft.Listing]) -> Firewall:
    if firewall.nft_json is None:
        return firewall
    listing = edit(nft.Listing(firewall.nft_json, firewall.nft_text))
    return replace(firewall, nft_json=listing.json, nft_text=listing.text)


def dumped(firewall: Firewall, edit: Callable[[SavedRules], str]) -> Firewall:
    return replace(firewall, dumps=tuple(replace(dump, text=edit(dump)) for dump in firewall.dumps))


def ufw(firewall: Firewall, opening: Opening) -> Firewall:
    """ufw knows a rule again whatever its action: another one in its place, else the first or last place."""

    def edit(dump: SavedRules) -> str:
        if opening.source is not None and dump.family != opening.family:
            return dump.text
        chain = "ufw6-user-input" if dump.family == "ipv6" else "ufw-user-input"
        source = f" -s {opening.network}" if opening.source else ""
        head = f"-A {chain}{source} -p tcp -m tcp --dport {opening.port} "
        first = opening.place == "first"
        return change_chain(dump.text, "filter", chain, lambda rules: _ufw_rules(rules, head, first))

    return dumped(firewall, edit)


def _ufw_rules(rules: Rules, head: str, first: bool) -> Rules:
    """``head`` is the rule up to its action; ``limit`` makes three rules of one, the first two count."""
    twin = head.replace("-p tcp -m tcp", "-p udp -m udp")
    accept = f"{head}-j ACCEPT"
    same = [n for n, rule in enumerate(rules) if rule.startswith((f"{head}-j ", f"{head}-m conntrack "))]
    same = [n for n in same if not any(rule.startswith(twin) for rule in rules[n + 1 : n + 2])]
    if accept in rules:
        return rules
    if not same:
        return [accept, *rules] if first else [*rules, accept]
    return [accept if n == same[0] else rule for n, rule in enumerate(rules) if n not in same[1:]]


def firewalld(firewall: Firewall, opening: Opening) -> Firewall:
    """In nftables one chain serves both families. Versions before 1.0 add a match on the state NEW."""
    ending, first = ("_pre", True) if opening.rich else ("_allow", False)

    zone = f"IN_policy_{opening.policy}" if opening.policy else f"IN_{opening.zone}"

    def edit(dump: SavedRules) -> str:
        if opening.rich and dump.family != opening.family:
            return dump.text
        source = f" -s {opening.network}" if opening.source else ""
        rule = f"-A {zone}{ending}{source} -p tcp -m tcp --dport {opening.port} -j ACCEPT"
        return change_chain(
            dump.text, "filter", f"{zone}{ending}", lambda own: [rule, *own] if first else [*own, rule]
        )

    if any(has_chain(dump.text, "filter", "INPUT_ZONES") for dump in firewall.dumps):
        return dumped(firewall, edit)
    chain = nft.ChainName("inet", "firewalld", f"filter_{zone}{ending}")
    return listed(
        firewall, partial(nft.insert, chain=chain, opening=opening, words=opening.expression, first=first)
    )
