"""nft's JSON: what stands in it, and what it cannot say."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdoctor.errors import RulesError
from sshdoctor.firewall import Dump, Packet, Verdict, judge

PACKET = Packet(
    family="ipv4", source="198.51.100.1", destination="198.51.100.2", destination_port=22, in_interface="eth0"
)

TABLE = {"table": {"family": "inet", "name": "fw", "handle": 1}}
CHAINS = ":INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
INPUT: dict[str, Any] = {"type": "filter", "hook": "input", "prio": 0, "policy": "accept"}


def chain(name: str = "in", **base: Any) -> dict[str, Any]:
    return {"chain": {"family": "inet", "table": "fw", "name": name, "handle": 1, **base}}


def rule(*statements: dict[str, Any], chain: str = "in", handle: int = 7) -> dict[str, Any]:
    return {
        "rule": {"family": "inet", "table": "fw", "chain": chain, "handle": handle, "expr": list(statements)}
    }


def matching(protocol: str, field: str, right: Any, op: str = "==") -> dict[str, Any]:
    return {"match": {"op": op, "left": {"payload": {"protocol": protocol, "field": field}}, "right": right}}


DROP: dict[str, Any] = {"drop": None}
REJECT = {"reject": {"type": "icmpx", "expr": "port-unreachable"}}


def verdict(*objects: dict[str, Any], listing: str = "", **packet: Any) -> Verdict:
    dumps = [Dump("nft", "ipv4", json.dumps({"nftables": [{"metainfo": {"version": "1.0.6"}}, *objects]}))]
    if listing:
        dumps.append(Dump("nft-text", "ipv4", listing))
    values = {
        "family": "ipv4",
        "source": "198.51.100.1",
        "destination": "198.51.100.2",
        "destination_port": 22,
        "in_interface": "eth0",
    }
    return judge(dumps, Packet(**{**values, **packet}))


def test_a_port_that_is_rejected_names_table_chain_and_number() -> None:
    found = verdict(
        TABLE, chain(**INPUT), rule(DROP, chain="other"), rule(matching("tcp", "dport", 22), REJECT)
    )
    assert (found.state, found.reply) == ("reject", "icmp-port-unreachable")
    assert found.rule is not None
    assert (found.rule.table, found.rule.chain, found.rule.number) == ("inet fw", "in", 1)


def test_an_inet_table_serves_both_families_each_with_its_own_refusal() -> None:
    found = verdict(
        TABLE, chain(**INPUT), rule(REJECT), family="ipv6", source="fd00::1", destination="fd00::2"
    )
    assert found.reply == "icmp6-port-unreachable"


def test_the_text_of_a_rule_is_lent_by_the_listing() -> None:
    listing = (
        "table inet fw { # handle 1\n\tchain in { # handle 1\n\t\ttcp dport 22 drop # handle 7\n\t}\n}\n"
    )
    found = verdict(TABLE, chain(**INPUT), rule(matching("tcp", "dport", 22), DROP), listing=listing)
    assert found.why == "inet fw in rule 1: tcp dport 22 drop"


@pytest.mark.parametrize(
    ("elements", "state"),
    [
        (["198.51.100.1"], "drop"),
        ([{"prefix": {"addr": "198.51.100.0", "len": 24}}], "drop"),
        ([{"range": ["198.51.100.0", "198.51.100.9"]}], "drop"),
        ([{"elem": {"val": "198.51.100.1", "timeout": 600, "expires": 13}}], "drop"),
        (["203.0.113.7"], "accept"),
        ([], "accept"),
    ],
)
def test_a_ban_set_holds_whom_it_lists(elements: list[Any], state: str) -> None:
    bans = {"set": {"family": "inet", "table": "fw", "name": "bans", "type": "ipv4_addr", "elem": elements}}
    assert verdict(TABLE, bans, chain(**INPUT), rule(matching("ip", "saddr", "@bans"), DROP)).state == state


def test_the_last_of_two_chains_of_one_priority_runs_first() -> None:
    second = {"table": {"family": "ip", "name": "late", "handle": 2}}
    late = {"chain": {"family": "ip", "table": "late", "name": "in", "handle": 1, **INPUT}}
    drop = {"rule": {"family": "ip", "table": "late", "chain": "in", "handle": 2, "expr": [DROP]}}
    assert verdict(TABLE, chain(**INPUT), rule(REJECT), second, late, drop).reply == "silence"


def test_accept_ends_a_chain_but_not_the_hook() -> None:
    found = verdict(
        TABLE,
        chain(**{**INPUT, "prio": -10}),
        chain("later", **INPUT),
        rule({"accept": None}),
        rule(DROP, chain="later"),
    )
    assert (found.state, found.rule and found.rule.chain) == ("drop", "later")


def test_a_verdict_map_sends_each_port_its_way() -> None:
    elements = [[22, {"jump": {"target": "ssh"}}], [{"range": [80, 90]}, {"accept": None}]]
    port = {"payload": {"protocol": "tcp", "field": "dport"}}
    vmap = {"vmap": {"key": port, "data": {"set": elements}}}
    objects = (TABLE, chain(**INPUT), chain("ssh"), rule(vmap), rule(REJECT, chain="ssh"))
    assert verdict(*objects).way == ("inet fw in rule 1",)
    assert verdict(*objects, destination_port=80).state == "accept"


def test_iptables_rules_that_nft_shows_without_parameters_are_taken_from_iptables_save() -> None:
    shown = [
        {"table": {"family": "ip", "name": "filter", "handle": 1}},
        {"chain": {"family": "ip", "table": "filter", "name": "INPUT", "handle": 1, **INPUT}},
        {"rule": {"family": "ip", "table": "filter", "chain": "INPUT", "handle": 2,
                  "expr": [{"xt": {"type": "match", "name": "multiport"}}, DROP]}},
    ]  # fmt: skip
    saved = f"*filter\n{CHAINS}-A INPUT -p tcp -m multiport --dports 80,443 -j DROP\nCOMMIT\n"
    text = json.dumps({"nftables": shown})
    assert judge([Dump("nft", "ipv4", text)], PACKET).state == "unknown"
    assert (
        judge([Dump("iptables-nft-save", "ipv4", saved), Dump("nft", "ipv4", text)], PACKET).state == "accept"
    )


def test_a_dump_that_does_not_say_whose_it_is_is_told_by_its_chains() -> None:
    """Measured: Debian 11's iptables-save, over nf_tables, prints the header that the older one prints."""
    shown = [
        {"table": {"family": "ip", "name": "filter", "handle": 1}},
        {"chain": {"family": "ip", "table": "filter", "name": "INPUT", "handle": 1, **INPUT}},
        {"rule": {"family": "ip", "table": "filter", "chain": "INPUT", "handle": 2,
                  "expr": [{"xt": {"type": "match", "name": "multiport"}}, DROP]}},
    ]  # fmt: skip
    saved = (
        f"# Generated by iptables-save v1.8.7 on Thu Nov 26 22:39:07 2026\n*filter\n{CHAINS}"
        "-A INPUT -p tcp -m multiport --dports 80,443 -j DROP\nCOMMIT\n"
    )
    dumps = [Dump("iptables-save", "ipv4", saved), Dump("nft", "ipv4", json.dumps({"nftables": shown}))]
    assert judge(dumps, PACKET).state == "accept"
    shown[1] = {"chain": {**shown[1]["chain"], "name": "mine"}}
    shown[2] = {"rule": {**shown[2]["rule"], "chain": "mine", "expr": [DROP]}}
    dumps[1] = Dump("nft", "ipv4", json.dumps({"nftables": shown}))
    assert judge(dumps, PACKET).state == "drop"


def test_the_listing_lends_what_the_json_of_iptables_rules_leaves_out() -> None:
    shown = [
        TABLE,
        chain(**INPUT),
        rule({"xt": {"type": "match", "name": "multiport"}}, {"xt": {"type": "target", "name": "REJECT"}}),
    ]
    line = "meta l4proto tcp tcp dport { 22,80}  counter packets 0 bytes 0 reject"
    listing = f"table inet fw {{ # handle 1\n\tchain in {{ # handle 1\n\t\t{line} # handle 7\n\t}}\n}}\n"
    assert verdict(*shown).state == "unknown"
    assert verdict(*shown, listing=listing).reply == "icmp-port-unreachable"
    assert verdict(*shown, listing=listing, destination_port=443).state == "accept"


@pytest.mark.parametrize(
    ("statements", "state"),
    [
        ([{"limit": {"rate": 3, "per": "minute"}}, DROP], "depends"),
        ([matching("ether", "saddr", "02:00:00:00:00:01"), DROP], "unknown"),
        ([{"match": {"op": "==", "left": {"osf": {"key": "name"}}, "right": "Linux"}}, DROP], "depends"),
        ([matching("tcp", "dport", 80), {"something new": 1}], "accept"),
        ([{"something new": 1}], "unknown"),
        ([matching("tcp", "sport", 80, "!="), matching("tcp", "dport", 22, "!="), DROP], "unknown"),
    ],
)
def test_what_cannot_be_told_is_said(statements: list[dict[str, Any]], state: str) -> None:
    assert verdict(TABLE, chain(**INPUT), rule(*statements)).state == state


@pytest.mark.parametrize(
    "text", ["nonsense", "{}", "[]", '{"nftables": 1}', '{"nftables": [{"rule": {}}]}', "[" * 9999]
)
def test_text_that_is_not_nfts_json_is_refused(text: str) -> None:
    with pytest.raises(RulesError, match="no JSON of 'nft -j list ruleset'"):
        judge([Dump("nft", "ipv4", text)], PACKET)


WORDS = (
    *(
        "match",
        "op",
        "left",
        "right",
        "payload",
        "protocol",
        "tcp",
        "field",
        "dport",
        "set",
        "@s",
        "ct",
        "key",
    ),
    *("state", "meta", "mark", "mangle", "value", "vmap", "data", "elem", "val", "reject", "type", "expr"),
    *("range", "prefix", "addr", "len", "concat", "jump", "target", "in", "drop", "&", "|", "==", "!=", "<"),
    *("fib", "flags", "dnat", "port", "198.51.100.1", "ip", "saddr", "limit", "xt"),
    *(
        "update",
        "map",
        "tcp option",
        "maxseg",
        "exthdr",
        "name",
        "ttl",
        "dscp",
        "cs1",
        "notrack",
        "zone",
        "size",
    ),
    *(
        "length",
        "ipsec",
        "rt",
        "socket",
        "dir",
        "original",
        "ip saddr",
        "stmt",
        "family",
        "ct count",
        "queue",
    ),
)
LEAVES = st.none() | st.booleans() | st.integers(-1, 70000) | st.sampled_from(WORDS) | st.text(max_size=3)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3),
    max_leaves=12,
)


@given(st.lists(TREES, max_size=4), TREES)
def test_any_json_gives_a_verdict_or_a_rules_error(statements: list[Any], elements: Any) -> None:
    values = {"set": {"family": "inet", "table": "fw", "name": "s", "elem": elements}}
    with contextlib.suppress(RulesError):
        verdict(TABLE, values, chain(**INPUT), rule(*statements))


LEFT = (
    {"payload": {"protocol": "tcp", "field": "dport"}},
    {"payload": {"protocol": "ip", "field": "saddr"}},
    {"ct": {"key": "state"}},
    {"meta": {"key": "iifname"}},
    {"concat": [{"meta": {"key": "mark"}}, {"payload": {"protocol": "tcp", "field": "sport"}}]},
    {"fib": {"result": "type", "flags": ["daddr"]}},
    {"meta": {"key": "length"}},
    {"payload": {"protocol": "ip", "field": "dscp"}},
    {"ct": {"key": "ip saddr", "dir": "original"}},
    {"tcp option": {"name": "maxseg", "field": "size"}},
    {"&": [{"payload": {"protocol": "ip", "field": "frag-off"}}, 8191]},
)


@given(st.sampled_from(("==", "!=", "in", "<", ">", "!")), st.sampled_from(LEFT), TREES)
def test_any_comparison_gives_a_verdict_or_a_rules_error(op: str, left: Any, right: Any) -> None:
    with contextlib.suppress(RulesError):
        verdict(TABLE, chain(**INPUT), rule({"match": {"op": op, "left": left, "right": right}}, DROP))


@pytest.mark.parametrize(("port", "state"), [(22, "accept"), (23, "unknown")])
def test_a_range_of_one_that_nft_denies_may_have_been_two_orders(port: int, state: str) -> None:
    """Measured: ``tcp dport < 22 tcp dport > 22``, which never holds, is listed as ``tcp dport != 22-22``."""
    found = verdict(
        TABLE,
        chain(**INPUT),
        rule(matching("tcp", "dport", {"range": [22, 22]}, "!="), DROP),
        destination_port=port,
    )
    assert found.state == state


def test_a_chain_of_several_devices_sees_what_comes_by_one_of_them() -> None:
    ingress = {**INPUT, "hook": "ingress", "dev": ["eth0", "eth1"]}
    assert verdict(TABLE, chain(**ingress), rule(DROP)).state == "drop"
    assert (
        verdict(TABLE, chain(**ingress), rule(DROP), in_interface="eth2", out_interface="eth2").state
        == "accept"
    )


def test_the_device_of_a_chain_is_taken_from_the_listing_where_the_json_has_none() -> None:
    ingress = {**INPUT, "hook": "ingress"}
    assert verdict(TABLE, chain(**ingress), rule(DROP)).state == "unknown"
    head = 'type filter hook ingress device "{}" priority filter; policy accept;'
    for device, state in (("eth0", "drop"), ("eth9", "accept")):
        listing = (
            f"table inet fw {{\n\tchain in {{\n\t\t{head.format(device)}\n\t\tdrop # handle 7\n\t}}\n}}\n"
        )
        assert verdict(TABLE, chain(**ingress), rule(DROP), listing=listing).state == state


@pytest.mark.parametrize("odd", [[], {}, None, 1.5])
def test_odd_values_in_the_json_end_in_no_traceback(odd: Any) -> None:
    for key in ("hook", "prio", "policy", "dev", "type", "handle"):
        with contextlib.suppress(RulesError):
            verdict(TABLE, chain(**{**INPUT, "hook": "ingress", key: odd}), rule(DROP, handle=odd))


def test_a_statement_without_its_value_is_unknown() -> None:
    assert verdict(TABLE, chain(**INPUT), rule({"set": None}, DROP)).state == "unknown"
