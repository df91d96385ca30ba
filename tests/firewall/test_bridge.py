"""Tables of nftables' family bridge: only what comes through a bridge meets them, below all others."""

from __future__ import annotations

import pytest

from sshdoctor.firewall import Dump, Packet, judge
from sshdoctor.services import load

_TABLE = """table bridge guard {
	chain in { type filter hook %s priority 0; policy accept; %s }
}"""


def verdict(hook: str, rule: str, *, bridged: bool | None) -> tuple[str | object, str | None]:
    packet = Packet(
        family="ipv4",
        source="198.51.100.1",
        destination="198.51.100.2",
        destination_port=22,
        in_interface="br0",
        bridged=bridged,
    )
    found = judge([Dump("nft-text", "ipv4", _TABLE % (hook, rule))], packet, load("ssh"))
    return found.state, found.reply


@pytest.mark.parametrize("hook", ["prerouting", "input", "output", "postrouting"])
def test_what_it_drops_is_silent(hook: str) -> None:
    side = "sport" if "out" in hook and hook != "prerouting" else "dport"
    assert verdict(hook, f"tcp {side} 22 drop", bridged=True) == ("drop", "silence")


def test_what_it_forwards_is_none_of_the_hosts() -> None:
    assert verdict("forward", "tcp dport 22 drop", bridged=True) == ("accept", None)


def test_without_a_bridge_it_is_not_asked() -> None:
    assert verdict("input", "tcp dport 22 drop", bridged=False) == ("accept", None)


def test_where_a_bridge_is_not_known_it_is_open() -> None:
    assert verdict("input", "tcp dport 22 drop", bridged=None)[0] not in ("accept", "drop")


def test_its_interfaces_are_ports_whose_names_are_not_known() -> None:
    assert verdict("input", 'iifname "eth7" tcp dport 22 drop', bridged=True)[0] not in ("accept", "drop")
