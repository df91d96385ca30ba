"""IPv6 works only while neighbours may ask for each other: what the model says of it, and what happens."""

from __future__ import annotations

import os

import pytest

from firewall.cases import client_packet
from firewall.namespaces import CLIENT, SERVER, pairs
from sshdoctor.firewall import Dump, judge

SSH = "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n"
STATE = "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
DISCOVERY = "-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type {} -j ACCEPT\n"
RULESETS = {
    "nothing is stopped": (SSH, "ACCEPT", ""),
    "everything but SSH is dropped": (STATE + SSH, "DROP", "filter INPUT policy DROP"),
    "ICMPv6 is let in": (SSH + "-A INPUT -p ipv6-icmp -j ACCEPT\n", "DROP", ""),
    "solicitations and advertisements are let in": (
        SSH + DISCOVERY.format(135) + DISCOVERY.format(136), "DROP", "",
    ),
    "solicitations alone are let in": (SSH + DISCOVERY.format(135), "DROP", ""),
    "the host may not answer": (
        SSH + "-A OUTPUT -p ipv6-icmp -m icmp6 --icmpv6-type 136 -j DROP\n", "ACCEPT", "filter OUTPUT rule 1",
    ),
    "only discovery with its hop limit is let in": (
        SSH + "-A INPUT -p ipv6-icmp -m hl --hl-eq 255 -j ACCEPT\n", "DROP", "",
    ),
    "solicitations are untracked": (
        SSH + "-A INPUT -p ipv6-icmp -m conntrack --ctstate UNTRACKED -j ACCEPT\n", "DROP", "",
    ),
}  # fmt: skip


def _dump(rules: str, policy: str) -> str:
    return f"*filter\n:INPUT {policy} [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n{rules}COMMIT\n"


@pytest.mark.parametrize("name", RULESETS)
def test_the_rule_that_stops_neighbour_discovery_is_named(name: str) -> None:
    rules, policy, stopping = RULESETS[name]
    verdict = judge([Dump("ip6tables-save", "ipv6", _dump(rules, policy))], client_packet("ipv6"))
    assert verdict.state == "accept"
    assert (stopping in verdict.caveat) if stopping else not verdict.caveat


def test_ipv4_has_no_neighbour_discovery_in_its_rules() -> None:
    dump = Dump("iptables-save", "ipv4", _dump(STATE + SSH, "DROP"))
    assert judge([dump], client_packet("ipv4")).caveat == ""


@pytest.mark.containers
def test_a_client_gets_in_only_as_long_as_addresses_are_remembered() -> None:
    """The namespaces remember each other's addresses; then they are made to forget them."""
    for name, (rules, policy, stopping) in RULESETS.items():
        with pairs(f"fwnd{os.getpid()}-", 1) as [pair]:
            assert pair.load("ip6tables-nft", _dump(rules, policy)) == ""
            assert pair.dial("ipv6", 0.5) == "ok", name
            for end, address in ((pair.client, SERVER), (pair.server, CLIENT)):
                end.command("ip", "neigh", "del", address["ipv6"], "dev", "eth0")
            assert (pair.dial("ipv6", 0.5) == "ok") is not bool(stopping), name
