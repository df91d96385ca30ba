"""nft's rarer fields and statements: known, depending on something that is named, or unknown by name."""

from __future__ import annotations

from typing import Any

import pytest

from firewall.test_nft import DROP, INPUT, REJECT, TABLE, chain, rule, verdict

Statement = dict[str, Any]


def field(left: Any, right: Any, op: str = "==") -> Statement:
    return {"match": {"op": op, "left": left, "right": right}}


def of_ip(name: str) -> Statement:
    return {"payload": {"protocol": "ip", "field": name}}


def meta(key: str) -> Statement:
    return {"meta": {"key": key}}


def changing(key: Any, value: Any) -> Statement:
    return {"mangle": {"key": key, "value": value}}


SOURCE = of_ip("saddr")
KNOWN = [
    ([field(meta("length"), {"range": [0, 39]}), DROP], "accept"),
    ([field(meta("length"), 39, ">"), REJECT], "reject"),
    ([field(of_ip("length"), {"range": [40, 65535]}), field(of_ip("version"), 4), DROP], "drop"),
    ([field({"&": [of_ip("frag-off"), 0x1FFF]}, 0, "!="), DROP], "accept"),
    ([field({"tcp option": {"name": "maxseg"}}, False), field({"ct": {"key": "state"}}, "established"), DROP],
     "drop"),
    ([field({"tcp option": {"name": "sack-perm"}}, False), field(meta("l4proto"), "icmp"), DROP], "accept"),
    ([field({"exthdr": {"name": "hbh"}}, False), DROP], "accept"),
    ([changing(of_ip("ttl"), 64), field(of_ip("ttl"), 64), DROP], "drop"),
    ([changing(of_ip("ttl"), 64), field(of_ip("ttl"), 65), DROP], "accept"),
    ([changing(of_ip("dscp"), "cs1"), field(of_ip("dscp"), "cs1"), DROP], "drop"),
    ([changing(of_ip("ecn"), "ce"), field(of_ip("ecn"), "not-ect"), DROP], "accept"),
    ([changing(meta("priority"), "1:1"), changing({"tcp option": {"name": "maxseg", "field": "size"}}, 9),
      DROP], "drop"),
    ([changing(meta("mark"), {"map": {"key": SOURCE, "data": {"set": [["198.51.100.1", 5]]}}}),
      field(meta("mark"), 5), DROP], "drop"),
    ([changing(meta("mark"), {"map": {"key": SOURCE, "data": {"set": [["198.51.100.9", 5]]}}}), DROP],
     "accept"),
    ([field({"ct": {"key": "ip saddr", "dir": "original"}}, "198.51.100.1"), DROP], "drop"),
    ([field({"ct": {"key": "zone"}}, 0), field({"ct": {"key": "helper"}}, "ftp", "!="), DROP], "accept"),
    ([{"reset": {"tcp option": {"name": "timestamp"}}}, {"dup": {"addr": "192.0.2.1"}}, {"log": None}, DROP],
     "drop"),
    ([{"xt": {"type": "target", "name": "NFLOG"}}, DROP], "drop"),
    (["update @map { ip saddr : 0x00000001 }", DROP], "drop"),
    ([{"ct timeout": "x"}, {"ct expectation": "y"}, {"secmark": "z"}, {"flow": {"op": "add"}}, DROP], "drop"),
]  # fmt: skip
DEPENDS = [
    ([field(meta("length"), 60), DROP], "the packet's length"),
    ([field(of_ip("ttl"), 64), DROP], "how many hops the packet has left"),
    ([field(of_ip("dscp"), "cs1"), DROP], "type of service"),
    ([field(of_ip("hdrlength"), 5), DROP], "the packet's IP options"),
    ([field({"tcp option": {"name": "maxseg", "field": "size"}}, 1460), DROP], "TCP options"),
    ([field(meta("hour"), {"range": ["08:00", "18:00"]}), DROP], "meta hour"),
    ([field(meta("day"), "Monday"), DROP], "meta day"),
    ([field({"numgen": {"mode": "inc", "mod": 2, "offset": 0}}, 0), DROP], "numgen"),
    ([field({"payload": {"base": "nh", "offset": 8, "len": 8}}, 0), DROP], "the bytes of the packet"),
    ([{"ct count": {"val": 3, "inv": True}}, DROP], "ct count"),
    ([{"quota": {"val": 100, "val_unit": "bytes"}}, DROP], "quota"),
    ([{"meter": {"name": "m", "key": SOURCE, "stmt": {"limit": {"rate": 1}}}}, DROP], "meter"),
    ([{"set": {"op": "add", "elem": SOURCE, "set": "@s", "stmt": [{"limit": {}}]}}, DROP], "counted"),
    ([{"queue": {"num": 1}}], "a program on the host that is asked"),
]  # fmt: skip
UNKNOWN = [
    ([field(meta("ipsec"), True), DROP], "through IPsec"),
    ([field({"ipsec": {"key": "reqid", "dir": "in", "spnum": 0}}, 1), DROP], "through IPsec"),
    ([{"tproxy": {"port": 2222}}], "a transparent proxy"),
    ([{"synproxy": {"mss": 1460}}], "synproxy"),
    ([{"fwd": {"dev": "eth1"}}], "fwd"),
    ([{"snat": {"addr": "192.0.2.1"}}], "snat"),
    ([{"masquerade": None}], "masquerade"),
    ([{"xt": {"type": "target", "name": "TPROXY"}}], "the iptables target TPROXY"),
    ([{"xt": None}], "an iptables rule that nft cannot show"),
    ([changing({"payload": {"protocol": "tcp", "field": "dport"}}, 2222)], "rewritten (tcp dport)"),
    ([changing(meta("pkttype"), "other"), DROP], "rewritten (meta pkttype)"),
    ([field({"socket": {"key": "mark"}}, 1), DROP], "socket mark"),
    ([field(meta("ibrname"), "br0"), DROP], "meta ibrname"),
    ([field({"rt": {"key": "mtu"}}, 1500), DROP], "rt mtu"),
    ([field({"fib": {"result": "oif", "flags": ["saddr", "iif"]}}, False), DROP], "the route back"),
]  # fmt: skip


@pytest.mark.parametrize(("statements", "state"), KNOWN)
def test_what_every_connection_has_is_known(statements: list[Any], state: str) -> None:
    assert verdict(TABLE, chain(**INPUT), rule(*statements)).state == state


@pytest.mark.parametrize(("statements", "on"), DEPENDS)
def test_what_differs_from_one_connection_to_the_next_is_named(statements: list[Any], on: str) -> None:
    found = verdict(TABLE, chain(**INPUT), rule(*statements))
    assert (found.state, on in found.why) == ("depends", True), found.why


@pytest.mark.parametrize(("statements", "without"), UNKNOWN)
def test_what_the_listing_does_not_say_is_named(statements: list[Any], without: str) -> None:
    found = verdict(TABLE, chain(**INPUT), rule(*statements))
    assert (found.state, without in found.why) == ("unknown", True), found.why


def _set(**more: Any) -> Statement:
    return {"set": {"family": "inet", "table": "fw", "name": "s", "type": "ipv4_addr", "elem": [], **more}}


ADDING = {"set": {"op": "add", "elem": SOURCE, "set": "@s"}}


def test_a_set_that_a_rule_changes_depends_on_what_came_before() -> None:
    found = verdict(TABLE, _set(), chain(**INPUT), rule(field(SOURCE, "@s"), DROP), rule(ADDING))
    assert (found.state, "put into the set s" in found.why) == ("depends", True)


@pytest.mark.parametrize(("size", "state"), [(10, "drop"), (1, "depends")])
def test_a_set_that_is_full_may_end_the_rule(size: int, state: str) -> None:
    full = _set(elem=["198.51.100.9"], size=size)
    assert verdict(TABLE, full, chain(**INPUT), rule(ADDING, DROP)).state == state


def test_few_hops_on_the_way_out_may_not_reach_the_client() -> None:
    out = {**INPUT, "hook": "postrouting"}
    found = verdict(TABLE, chain(**out), rule(changing(of_ip("ttl"), 3)))
    assert (found.state, "how many hops away the client is" in found.why) == ("depends", True)


def test_a_refusal_has_no_tcp_options_and_nft_asks_for_no_protocol() -> None:
    """Measured: ``tcp option sack-perm missing drop`` on the way out stops the ICMP error of a reject."""
    out = {**INPUT, "hook": "postrouting"}
    missing = field({"tcp option": {"name": "sack-perm"}}, False)
    found = verdict(
        TABLE, chain(**INPUT), rule(REJECT), chain("out", **out), rule(missing, DROP, chain="out")
    )
    assert found.reply == "silence"
