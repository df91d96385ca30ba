"""nftables' tables of the family arp: whether the host can still be found, by the model and by the kernel."""

from __future__ import annotations

import os

import pytest

from firewall.namespaces import CLIENT, SERVER, pairs
from sshdoctor.firewall.arp import conversation, stopped_by

C4, S4 = CLIENT["ipv4"], SERVER["ipv4"]
CHAIN = "chain {} {{ type filter hook {} priority 0; policy {}; {} }};"
TABLES: dict[str, tuple[str, bool]] = {
    "nothing": (CHAIN.format("i", "input", "accept", ""), False),
    "the client is dropped": (CHAIN.format("i", "input", "accept", f"arp saddr ip {C4} drop;"), True),
    "another is dropped": (CHAIN.format("i", "input", "accept", "arp saddr ip 198.51.100.9 drop;"), False),
    "its network is dropped": (
        CHAIN.format("i", "input", "accept", "arp saddr ip 198.51.100.0/24 drop;"),
        True,
    ),
    "all but its network": (
        CHAIN.format("i", "input", "accept", "arp saddr ip != 198.51.100.0/24 drop;"),
        False,
    ),
    "one of a list": (
        CHAIN.format("i", "input", "accept", f"arp saddr ip {{ 198.51.100.9, {C4} }} drop;"),
        True,
    ),
    "the policy drops": (CHAIN.format("i", "input", "drop", "arp saddr ip 198.51.100.9 accept;"), True),
    "the policy drops others": (CHAIN.format("i", "input", "drop", f"arp saddr ip {C4} accept;"), False),
    "answers are dropped": (
        CHAIN.format("o", "output", "accept", f"arp operation reply arp daddr ip {C4} drop;"),
        True,
    ),
    "questions are dropped": (CHAIN.format("o", "output", "accept", "arp operation request drop;"), False),
    "by another interface": (CHAIN.format("i", "input", "accept", 'iifname "eth1" drop;'), False),
    "in a chain that is jumped to": (
        "chain x { arp operation request drop; }; " + CHAIN.format("i", "input", "accept", "jump x;"),
        True,
    ),
    "accepted before": (
        CHAIN.format("i", "input", "accept", f"arp daddr ip {S4} counter accept; drop;"),
        False,
    ),
}


@pytest.mark.containers
def test_the_host_is_found_where_the_model_says_so() -> None:
    with pairs(f"arp{os.getpid()}-", 1) as [pair]:
        for name, (chains, stopped) in TABLES.items():
            assert pair.load("nft", f"flush ruleset\ntable arp t {{ {chains} }}") == "", name
            messages = conversation(C4, S4, "eth0")
            found = [stopped_by(pair.listed(), "", message) for message in messages]
            assert any(found) is stopped, name
            pair.client.command("ip", "neigh", "del", S4, "dev", "eth0")
            assert (pair.dial("ipv4", 0.6) == "ok") is not stopped, name


def test_what_cannot_be_told_is_no_certain_stop() -> None:
    listed = (
        '{"nftables": [{"chain": {"family": "arp", "table": "t", "name": "i", "hook": "input", "prio": 0,'
        ' "policy": "accept"}}, {"rule": {"family": "arp", "table": "t", "chain": "i", "handle": 2, "expr":'
        ' [{"limit": {"rate": 1, "per": "minute"}}, {"drop": null}]}}]}'
    )
    assert stopped_by(listed, "", conversation(C4, S4, "eth0")[0]) is None
