"""The match ``set``: who is in a set, by ``ipset save`` and by the kernel."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firewall.cases import client_packet
from firewall.namespaces import Pair, pairs
from sshdoctor.errors import RulesError
from sshdoctor.firewall import Dump, judge

MEMBERSHIP = [
    ("create s hash:ip\nadd s 198.51.100.1", "src", True),
    ("create s hash:ip\nadd s 198.51.100.2", "src", False),
    ("create s hash:ip\nadd s 198.51.100.2", "dst", True),
    ("create s hash:ip timeout 600\nadd s 198.51.100.1 timeout 599", "src", True),
    ('create s hash:ip comment\nadd s 198.51.100.1 comment "a b"', "src", True),
    ("create s hash:ip netmask 24\nadd s 198.51.100.0", "src", True),
    ("create s hash:net\nadd s 198.51.100.0/24", "src", True),
    ("create s hash:net\nadd s 198.51.100.0/24\nadd s 198.51.100.1 nomatch", "src", False),
    ("create s hash:net\nadd s 198.51.100.1\nadd s 198.51.100.0/24 nomatch", "src", True),
    ("create s hash:ip,port\nadd s 198.51.100.1,tcp:22", "src,dst", True),
    ("create s hash:ip,port\nadd s 198.51.100.1,tcp:80", "src,dst", False),
    ("create s hash:ip,port\nadd s 198.51.100.1,udp:22", "src,dst", False),
    ("create s hash:net,port\nadd s 198.51.100.0/25,tcp:22", "src,dst", True),
    ("create s hash:ip,port,net\nadd s 198.51.100.1,tcp:22,198.51.100.2/31", "src,dst,dst", True),
    ("create s hash:net,iface\nadd s 198.51.100.0/24,eth0", "src,src", True),
    ("create s hash:net,iface\nadd s 198.51.100.0/24,eth1", "src,src", False),
    ("create s bitmap:port range 1-1000\nadd s 22", "dst", True),
    ("create s bitmap:port range 1-1000\nadd s 23", "dst", False),
    ("create s bitmap:ip range 198.51.100.0-198.51.100.9\nadd s 198.51.100.1", "src", True),
    ("create t hash:ip\nadd t 198.51.100.1\ncreate s list:set\nadd s t", "src", True),
    ("create t hash:ip\nadd t 198.51.100.9\ncreate s list:set\nadd s t", "src", False),
]
RULES = (
    "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
    "-A INPUT -p tcp -m set {} s {} -j REJECT\nCOMMIT\n"
)


def _reply(sets: str, ends: str, how: str) -> str | None:
    rules = RULES.format(how, ends)
    dumps = [Dump("iptables-save", "ipv4", rules), Dump("ipset", "ipv4", sets + "\n")]
    return judge(dumps, client_packet("ipv4")).reply


@pytest.mark.parametrize(("sets", "ends", "inside"), MEMBERSHIP)
def test_a_set_holds_whom_it_lists(sets: str, ends: str, inside: bool) -> None:
    assert _reply(sets, ends, "--match-set") == ("icmp-port-unreachable" if inside else None)


def test_a_set_that_nobody_saved_is_unknown() -> None:
    verdict = judge(
        [Dump("iptables-save", "ipv4", RULES.format("--match-set", "src"))], client_packet("ipv4")
    )
    assert (verdict.state, "the set s" in verdict.why) == ("unknown", True)


def test_a_set_that_a_rule_changes_depends_on_what_came_before() -> None:
    """Measured: a client whose first SYN is dropped and noted gets in with its second."""
    rules = (
        "*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
        "-A INPUT -m set --match-set s src -j ACCEPT\n"
        "-A INPUT -j SET --add-set s src\nCOMMIT\n"
    )
    dumps = [Dump("iptables-save", "ipv4", rules), Dump("ipset", "ipv4", "create s hash:ip\n")]
    verdict = judge(dumps, client_packet("ipv4"))
    assert verdict.state == "depends"
    assert {"silence", None} <= set(verdict.possible)


@given(st.text(max_size=40) | st.sampled_from([sets for sets, _, _ in MEMBERSHIP]), st.text(max_size=20))
def test_any_text_as_sets_gives_a_verdict_or_a_rules_error(sets: str, more: str) -> None:
    rules = Dump("iptables-save", "ipv4", RULES.format("--match-set", "src"))
    try:
        verdict = judge([rules, Dump("ipset", "ipv4", f"{sets}\nadd s {more}")], client_packet("ipv4"))
    except RulesError as error:
        assert "ipset save" in str(error)
    else:
        assert verdict.state in ("accept", "reject", "unknown")


@pytest.fixture(scope="module")
def host() -> Iterator[Pair]:
    with pairs(f"fwset{os.getpid()}-", 1) as [pair]:
        yield pair


@pytest.mark.containers
@pytest.mark.xdist_group("ipset")
@pytest.mark.parametrize(("sets", "ends", "inside"), MEMBERSHIP)
@pytest.mark.parametrize("tool", ["iptables-nft", "iptables-legacy"])
def test_the_kernel_says_so_too(host: Pair, tool: str, sets: str, ends: str, inside: bool) -> None:
    loaded = host.server.command("ipset", "restore", text=sets + "\n")
    assert loaded.returncode == 0, loaded.stderr
    assert host.load(tool, RULES.format("--match-set", ends)) == ""
    reply = host.dial("ipv4", 0.5)
    assert (
        host.load(tool, "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n")
        == ""
    )
    host.server.command("ipset", "destroy", "s")
    host.server.command("ipset", "destroy")
    assert reply == ("icmp-port-unreachable" if inside else "ok")
