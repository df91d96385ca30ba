"""The mark by which the answer is routed: what the model says, and which way the kernel takes."""

from __future__ import annotations

import os

import pytest

from firewall.cases import client_packet
from firewall.namespaces import pairs
from sshdoctor.firewall import Dump
from sshdoctor.firewall.answer_mark import answer_mark, marking_rules

SET = "MARK --set-xmark 0x1/0xffffffff"
IPTABLES: dict[str, tuple[str, str, int]] = {
    "no mark": ("mangle", "", 0),
    "its own port": ("mangle", f"-A OUTPUT -p tcp -m tcp --sport 22 -j {SET}", 1),
    "another port": ("mangle", f"-A OUTPUT -p tcp -m tcp --sport 8443 -j {SET}", 0),
    "of the connection": (
        "mangle",
        "-A PREROUTING -p tcp -m tcp --dport 22 -j CONNMARK --set-xmark 0x1/0xffffffff\n"
        "-A OUTPUT -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff",
        1,
    ),
    "too late, in the table filter": ("filter", f"-A OUTPUT -p tcp -m tcp --sport 22 -j {SET}", 0),
}
NFT: dict[str, tuple[str, int]] = {
    "a chain of the type route": (
        "table ip t { chain o { type route hook output priority mangle; tcp sport 22 meta mark set 1; }; }",
        1,
    ),
    "a chain of the type filter": (
        "table ip t { chain o { type filter hook output priority mangle; tcp sport 22 meta mark set 1; }; }",
        0,
    ),
}


@pytest.mark.containers
def test_answers_take_the_way_of_the_mark_that_the_model_gives_them() -> None:
    with pairs(f"mark{os.getpid()}-", 1) as [pair]:
        pair.server.command("ip", "route", "add", "blackhole", "default", "table", "100")
        pair.server.command("ip", "rule", "add", "fwmark", "1", "table", "100")
        for name, (table, rules, mark) in IPTABLES.items():
            pair.server.command("nft", "flush", "ruleset")
            chains = ":INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
            chains += ":PREROUTING ACCEPT [0:0]\n" if table == "mangle" else ""
            assert pair.load("iptables-nft", f"*{table}\n{chains}{rules}\nCOMMIT\n") == "", name
            dump = Dump("iptables-save", "ipv4", pair.saved("iptables-nft"))
            assert answer_mark([dump], client_packet("ipv4")) == mark, name
            assert pair.dial("ipv4", 0.5) == ("silence" if mark else "ok"), name
        for name, (text, mark) in NFT.items():
            assert pair.load("nft", f"flush ruleset\n{text}") == "", name
            assert answer_mark([Dump("nft", "ipv4", pair.listed())], client_packet("ipv4")) == mark, name
            assert pair.dial("ipv4", 0.5) == ("silence" if mark else "ok"), name


def test_the_rules_that_name_a_mark_are_shown() -> None:
    rules = (
        f"-A OUTPUT -p tcp -m tcp --sport 22 -j {SET}\n-A OUTPUT -p tcp -j MARK --set-xmark 0x10/0xffffffff\n"
    )
    dump = Dump("iptables-save", "ipv4", f"*mangle\n:OUTPUT ACCEPT [0:0]\n{rules}COMMIT\n")
    assert [rule.number for rule in marking_rules([dump], 1)] == [1]
