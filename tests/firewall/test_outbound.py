"""A machine's own rules against its own dial: what the model says, and what the kernel does."""

from __future__ import annotations

import os

import pytest

from firewall.namespaces import CLIENT, SERVER, pairs
from sshdoctor.firewall import Dump
from sshdoctor.firewall.outbound import Dialling, Halt, halted

NFT = "table inet t {{ chain c {{ type filter hook {} priority 0; {} }}; }}"
RULES: dict[str, tuple[str, str]] = {
    "nothing": ("", ""),
    "port 22 may not leave": ("-A OUTPUT -p tcp -m tcp --dport 22 -j DROP", "SYN"),
    "port 25 may not leave": ("-A OUTPUT -p tcp -m tcp --dport 25 -j DROP", ""),
    "port 22 is rejected": ("-A OUTPUT -p tcp -m tcp --dport 22 -j REJECT", "SYN"),
    "another user's may not leave": ("-A OUTPUT -p tcp -m owner --uid-owner 12345 -j DROP", ""),
    "this user's may not leave": ("-A OUTPUT -p tcp -m owner --uid-owner 0 -j DROP", "SYN"),
    "another address may not be dialled": ("-A OUTPUT -d 198.51.100.77/32 -j DROP", ""),
    "what is new may not come in": ("-A INPUT -m conntrack --ctstate NEW -j DROP", ""),
    "answers may not come in": ("-A INPUT -p tcp -m tcp --sport 22 -j DROP", "host's SYN-ACK"),
    "answers alone may come in": (
        "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -j DROP",
        "",
    ),
    "nothing is tracked, and answers must be": (
        "-A INPUT -m conntrack ! --ctstate ESTABLISHED -j DROP",
        "",
    ),
    "another interface may not be used": ("-A OUTPUT ! -o eth0 -p tcp -j DROP", ""),
    "its interface may not be used": ("-A OUTPUT -o eth0 -p tcp -j DROP", "SYN"),
}
DIALLING = Dialling("ipv4", CLIENT["ipv4"], SERVER["ipv4"], 22, "eth0", 0)


def ruleset(rules: str) -> str:
    return f"*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n{rules}\nCOMMIT\n"


@pytest.mark.containers
def test_a_dial_is_stopped_where_the_kernel_stops_it() -> None:
    with pairs(f"outb{os.getpid()}-", 1) as [pair]:
        for name, (rules, packet) in RULES.items():
            done = pair.client.command("iptables-nft-restore", text=ruleset(rules))
            assert not done.returncode, done.stderr
            met = halted(
                [Dump("iptables-save", "ipv4", pair.client.command("iptables-nft-save").stdout)], DIALLING
            )
            assert (met.packet if met else "") == packet, name
            assert (pair.dial("ipv4", 0.5) == "ok") is not bool(packet), name


@pytest.mark.containers
def test_rules_of_nftables_own_stop_a_dial() -> None:
    with pairs(f"outn{os.getpid()}-", 1) as [pair]:
        for rule, stops in (("tcp dport 22 reject;", True), ("tcp dport 25 drop;", False)):
            done = pair.client.command("nft", "-f", "-", text="flush ruleset\n" + NFT.format("output", rule))
            assert not done.returncode, done.stderr
            listed = pair.client.command("nft", "-j", "list", "ruleset").stdout
            met = halted([Dump("nft", "ipv4", listed)], DIALLING)
            assert isinstance(met, Halt) is stops
            assert (pair.dial("ipv4", 0.5) == "ok") is not stops


def test_what_hangs_on_a_rate_is_no_certain_stop() -> None:
    rules = "-A OUTPUT -p tcp -m limit --limit 1/min -j ACCEPT\n-A OUTPUT -p tcp -j DROP"
    assert halted([Dump("iptables-save", "ipv4", ruleset(rules))], DIALLING) is None
