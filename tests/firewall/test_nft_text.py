"""nft's own language: what its listing says is what its JSON says, and no text ends in a traceback."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firewall.test_nft import PACKET
from sshdoctor.errors import RulesError
from sshdoctor.firewall import Dump, judge
from sshdoctor.firewall.nft.text import read_script, statements_of

PORT = {"payload": {"protocol": "tcp", "field": "dport"}}
FLAGS = {"payload": {"protocol": "tcp", "field": "flags"}}
PORTS = {"set": [{"range": [20, 25]}, "ssh"]}
VERDICTS = {"set": [[22, {"drop": None}], [80, {"jump": {"target": "x"}}]]}
MOVED = {"map": {"key": PORT, "data": {"set": [[22, 2222]]}}}
NAME = {"meta": {"key": "iifname"}}


def match(left: Any, right: Any, op: str = "==") -> Any:
    return {"match": {"op": op, "left": left, "right": right}}


SAID: list[tuple[str, list[Any]]] = [
    ("tcp dport { 20-25, ssh }", [match(PORT, PORTS)]),
    ("tcp dport ne 22", [match(PORT, 22, "!=")]),
    ("tcp dport vmap { 22:drop, 80 : jump x }", [{"vmap": {"key": PORT, "data": VERDICTS}}]),
    ("tcp flags & (syn|ack) == syn", [match({"&": [FLAGS, {"|": ["syn", "ack"]}]}, "syn")]),
    ("tcp flags syn,ack / syn,ack", [match({"&": [FLAGS, ["syn", "ack"]]}, ["syn", "ack"])]),
    ("ct state ! invalid", [match({"ct": {"key": "state"}}, "invalid", "!")]),
    ("iifname br-lan accept", [match(NAME, "br-lan"), {"accept": None}]),
    ("limit rate over 3/minute burst 5 packets", [{"limit": {"rate": 0, "inv": True}}]),
    ("redirect to :tcp dport map { 22 : 2222 }", [{"redirect": {"port": MOVED}}]),
    (
        "dnat ip6 to [fd00::1]:22 persistent",
        [{"dnat": {"family": "ip6", "addr": "fd00::1", "port": 22, "flags": ["persistent"]}}],
    ),
    (
        'log prefix "a { b" flags all reject with icmp type host-prohibited',
        [{"log": None}, {"reject": {"type": "icmp", "expr": "host-prohibited"}}],
    ),
    ("queue num 1-3 bypass", [{"queue": {"num": {"range": [1, 3]}, "flags": ["bypass"]}}]),
    ('counter packets 5 bytes 7 comment "x"', [{"counter": None}]),
    ("xt match recent drop", [{"xt": {"type": "match", "name": "recent"}}, {"drop": None}]),
    ("tell nobody accept", [{"not understood": "tell nobody accept"}]),
    ("tcp dport 22 tell nobody accept", [match(PORT, 22), {"not understood": "tell nobody accept"}]),
]


@pytest.mark.parametrize(("text", "statements"), SAID)
def test_a_rule_is_read_as_nfts_json_has_it(text: str, statements: list[Any]) -> None:
    assert statements_of(text) == statements


HEAD = "table inet f {{ chain i {{ type filter hook input priority 0; {} }} }}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("table inet f {", "cut off"),
        (HEAD.format("ip saddr $who drop;"), r"line 1: the variable \$who"),
        ('include "x.nft"\n', "includes x.nft"),
        ("add rule inet f i handle 7 drop", "no rule of handle 7"),
        ("flush table f\nfree beer", "line 2: 'free beer'"),
        ("add element ip t s { 1.2.3.4 }", "not declared"),
    ],
)
def test_what_is_not_understood_as_a_whole_names_its_line(text: str, said: str) -> None:
    with pytest.raises(RulesError, match=said):
        read_script(text)


VOCABULARY = """
table inet f { chain i { type filter hook input priority 0 ; policy drop ; } } set map elements = {
} , : ( ) . / & | == != ! vmap tcp dport sport flags syn ack ip saddr ct state new meta mark set
iifname eth0 accept drop jump goto reject with dnat redirect to :22 [::1]:22 10.0.0.1/8 1-5 22 0x1
@s $x define include 'a' add delete flush rule element ruleset limit rate over 3/minute log prefix
counter name quota queue num add update @s numgen inc mod fib type oif exists tproxy synproxy dup
fwd notrack comment hook device devices NEWLINE ; # handle 5
"""


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.sampled_from(VOCABULARY.split()), max_size=60), st.booleans())
def test_any_text_gives_a_verdict_or_a_rules_error(words: list[str], framed: bool) -> None:
    text = " ".join(words).replace("NEWLINE", "\n").replace("'", '"')
    with contextlib.suppress(RulesError):
        judge([Dump("nft-text", "ipv4", HEAD.format(text) if framed else text)], PACKET)


def test_brackets_without_end_are_no_traceback() -> None:
    for deep in ("tcp flags " + "(" * 9999, "jump {" * 9999, "tcp dport " + "{" * 9999):
        with contextlib.suppress(RulesError):
            judge([Dump("nft-text", "ipv4", HEAD.format(deep))], PACKET)
