"""Matches on what is around a packet: what decides them, and what is said where it is not known."""

from __future__ import annotations

from typing import Any

import pytest

from sshdoctor.firewall import Dump, Packet, Verdict, judge

CLIENT, HOST = "198.51.100.1", "198.51.100.2"

NAT = "".join(f":{name} ACCEPT [0:0]\n" for name in ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"))


def verdict(match: str, **known: Any) -> Verdict:
    rules = (
        f"*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
        f"-A INPUT -p tcp {match} -j DROP\nCOMMIT\n"
    )
    packet = {"source": CLIENT, "destination": HOST, "destination_port": 22, "in_interface": "eth0", **known}
    return judge([Dump("iptables-save", "ipv4", rules)], Packet(family="ipv4", **packet))


@pytest.mark.parametrize("source", ["10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.1.1"])
def test_a_private_address_is_in_no_country(source: str) -> None:
    assert verdict("-m geoip --source-country CN", source=source).state == "accept"
    assert verdict("-m geoip ! --source-country CN", source=source).state == "drop"


def test_the_country_of_an_address_is_in_a_database_that_is_not_seen() -> None:
    found = verdict("-m geoip --source-country CN")
    assert (found.state, f"gives for {CLIENT}" in found.why) == ("depends", True)


@pytest.mark.parametrize(
    ("match", "known", "state"),
    [
        ("-m physdev --physdev-in eth1", {}, "unknown"),
        ("-m physdev --physdev-in eth1", {"bridged": True}, "unknown"),
        ("-m physdev --physdev-in eth1", {"bridged": False}, "accept"),
        ("-m physdev ! --physdev-in eth1", {"bridged": False}, "drop"),
        ("-m physdev --physdev-is-bridged", {"bridged": True}, "accept"),
        ("-m policy --dir in --pol none", {}, "unknown"),
        ("-m policy --dir in --pol none", {"ipsec": False}, "drop"),
        ("-m policy --dir in --pol ipsec", {"ipsec": False}, "accept"),
        ("-m policy --dir in --pol ipsec", {"ipsec": True}, "unknown"),
        ("-m socket --nowildcard", {}, "drop"),
        ("--syn -m socket", {}, "unknown"),
        ("--syn -m socket", {"listens_everywhere": True}, "accept"),
        ("--syn -m socket", {"listens_everywhere": False}, "drop"),
        ("-m socket --transparent", {"listens_everywhere": True}, "accept"),
        ("-m mac --mac-source 02:00:00:00:00:01", {}, "unknown"),
    ],
)
def test_what_the_host_knows_decides(match: str, known: dict[str, Any], state: str) -> None:
    assert verdict(match, **known).state == state


def test_the_mark_of_a_socket_is_not_known() -> None:
    found = verdict("-m socket --nowildcard --restore-skmark -m mark --mark 0")
    assert (found.state, "the packet's mark" in found.why) == ("unknown", True)


def _redirected(**known: Any) -> Verdict:
    rules = (
        f"*nat\n{NAT}-A PREROUTING -p tcp -j REDIRECT --to-ports 2222\nCOMMIT\n"
        f"*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
        f"-A INPUT -d {HOST}/32 -p tcp -j ACCEPT\nCOMMIT\n"
    )
    packet = Packet(
        family="ipv4", source=CLIENT, destination=HOST, destination_port=22, in_interface="eth0", **known
    )
    return judge([Dump("iptables-save", "ipv4", rules)], packet)


@pytest.mark.parametrize(
    ("known", "state"),
    [
        ({}, "unknown"),
        ({"local_addresses": (HOST,)}, "accept"),
        ({"local_addresses": (HOST, "198.51.100.3")}, "unknown"),
        ({"local_addresses": (HOST, "198.51.100.3"), "redirect_address": HOST}, "accept"),
        ({"local_addresses": (HOST, "198.51.100.3"), "redirect_address": "198.51.100.3"}, "drop"),
    ],
)
def test_redirect_picks_one_of_the_hosts_addresses(known: dict[str, Any], state: str) -> None:
    assert _redirected(**known).state == state


@pytest.mark.parametrize(
    ("own", "state"), [((), "unknown"), ((HOST,), "accept"), ((HOST, "10.0.0.5"), "drop")]
)
def test_a_destination_may_be_the_hosts_own_while_its_addresses_are_not_known(
    own: tuple[str, ...], state: str
) -> None:
    rules = (
        f"*nat\n{NAT}-A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.5\nCOMMIT\n"
        "*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"
    )
    packet = Packet(
        family="ipv4",
        source=CLIENT,
        destination=HOST,
        destination_port=22,
        in_interface="eth0",
        local_addresses=own,
    )
    found = judge([Dump("iptables-save", "ipv4", rules)], packet)
    assert (found.state, "10.0.0.5" in found.why) == (state, state == "unknown")
