"""IPsec policies, tc's filters and queues: what the models say of a dial, and what the kernel does."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from firewall.namespaces import CLIENT, SERVER, Pair, pairs
from sshdoctor.firewall import ipsec, traffic_control
from sshdoctor.firewall.header import Ends, opening
from sshdoctor.model import Family

C4, S4, C6, S6 = CLIENT["ipv4"], SERVER["ipv4"], CLIENT["ipv6"], SERVER["ipv6"]

POLICIES: dict[str, tuple[Family, tuple[str, ...], str]] = {
    "nothing": ("ipv4", (), ""),
    "the client is blocked": ("ipv4", (f"src {C4}/32 dst {S4}/32 dir in priority 100 action block",), "in"),
    "another client is blocked": ("ipv4", (f"src 198.51.100.9/32 dst {S4}/32 dir in action block",), ""),
    "its network is blocked": ("ipv4", (f"src 198.51.100.0/24 dst {S4}/32 dir in action block",), "in"),
    "a smaller priority lets it in": (
        "ipv4",
        (
            f"src 198.51.100.0/24 dst {S4}/32 dir in priority 100 action block",
            f"src {C4}/32 dst {S4}/32 dir in priority 50",
        ),
        "",
    ),
    "a greater priority does not": (
        "ipv4",
        (
            f"src 198.51.100.0/24 dst {S4}/32 dir in priority 100 action block",
            f"src {C4}/32 dst {S4}/32 dir in priority 500",
        ),
        "in",
    ),
    "port 22 is blocked": (
        "ipv4",
        (f"src {C4}/32 dst {S4}/32 proto tcp dport 22 dir in action block",),
        "in",
    ),
    "port 25 is blocked": ("ipv4", (f"src {C4}/32 dst {S4}/32 proto tcp dport 25 dir in action block",), ""),
    "udp is blocked": ("ipv4", (f"src {C4}/32 dst {S4}/32 proto udp dir in action block",), ""),
    "what goes out is blocked": ("ipv4", (f"src {S4}/32 dst {C4}/32 dir out action block",), "out"),
    "what goes out of port 22 is blocked": (
        "ipv4",
        (f"src {S4}/32 dst {C4}/32 proto tcp sport 22 dir out action block",),
        "out",
    ),
    "what goes out must be protected": (
        "ipv4",
        (f"src {S4}/32 dst {C4}/32 dir out tmpl src {S4} dst {C4} proto esp mode tunnel",),
        "out",
    ),
    "what comes in must be protected": (
        "ipv4",
        (f"src {C4}/32 dst {S4}/32 dir in tmpl src {C4} dst {S4} proto esp mode tunnel",),
        "in",
    ),
    "what comes in may be protected": (
        "ipv4",
        (f"src {C4}/32 dst {S4}/32 dir in tmpl src {C4} dst {S4} proto esp mode transport level use",),
        "",
    ),
    "what is forwarded is blocked": ("ipv4", (f"src {C4}/32 dst {S4}/32 dir fwd action block",), ""),
    "IPv6 is blocked": ("ipv6", ("src fd00:51::/64 dst ::/0 proto tcp dir in action block",), "in"),
    "all of IPv4 is blocked, and IPv6 is dialled": (
        "ipv6",
        ("src 0.0.0.0/0 dst 0.0.0.0/0 dir in action block",),
        "",
    ),
}

INGRESS = "tc qdisc add dev eth0 clsact"
DEAD = (
    "tc qdisc add dev eth0 root handle 1: htb default 1",
    "tc class add dev eth0 parent 1: classid 1:1 htb rate 1gbit",
    "tc class add dev eth0 parent 1: classid 1:3 htb rate 1gbit",
    "tc qdisc add dev eth0 parent 1:3 blackhole",
)
AWAY = "action mirred egress redirect dev lo"
FILTERS: dict[str, tuple[Family, tuple[str, ...], str]] = {
    "an empty hook": ("ipv4", (INGRESS,), ""),
    "port 22 is sent away": (
        "ipv4",
        (INGRESS, f"tc filter add dev eth0 ingress protocol ip u32 match ip dport 22 0xffff {AWAY}"),
        "in",
    ),
    "port 25 is sent away": (
        "ipv4",
        (INGRESS, f"tc filter add dev eth0 ingress protocol ip u32 match ip dport 25 0xffff {AWAY}"),
        "",
    ),
    "another client is sent away": (
        "ipv4",
        (INGRESS, f"tc filter add dev eth0 ingress protocol ip u32 match ip src 198.51.100.9/32 {AWAY}"),
        "",
    ),
    "its network is sent away": (
        "ipv4",
        (INGRESS, f"tc filter add dev eth0 ingress protocol ip u32 match ip src 198.51.100.0/24 {AWAY}"),
        "in",
    ),
    "it is let pass before": (
        "ipv4",
        (
            INGRESS,
            f"tc filter add dev eth0 ingress protocol ip prio 1 u32 match ip src {C4}/32 flowid 1:1",
            f"tc filter add dev eth0 ingress protocol ip prio 2 u32 match ip protocol 6 0xff {AWAY}",
        ),
        "",
    ),
    "it is only copied": (
        "ipv4",
        (
            INGRESS,
            "tc filter add dev eth0 ingress protocol ip u32 match ip dport 22 0xffff "
            "action mirred egress mirror dev lo",
        ),
        "",
    ),
    "answers from port 22 are sent away": (
        "ipv4",
        (INGRESS, f"tc filter add dev eth0 egress protocol ip u32 match ip sport 22 0xffff {AWAY}"),
        "out",
    ),
    "a program drops everything": (
        "ipv4",
        (INGRESS, "tc filter add dev eth0 ingress bpf da bytecode 1,6,0,0,2"),
        "in",
    ),
    "a program lets everything pass": (
        "ipv4",
        (INGRESS, "tc filter add dev eth0 ingress bpf da bytecode 1,6,0,0,0"),
        "",
    ),
    "IPv6 to port 22 is sent away": (
        "ipv6",
        (INGRESS, f"tc filter add dev eth0 ingress protocol ipv6 u32 match ip6 dport 22 0xffff {AWAY}"),
        "in",
    ),
    "IPv4 is sent away, and IPv6 is dialled": (
        "ipv6",
        (INGRESS, f"tc filter add dev eth0 ingress protocol ip u32 match u32 0 0 {AWAY}"),
        "",
    ),
    "the whole queue passes nothing on": ("ipv4", ("tc qdisc add dev eth0 root blackhole",), "out"),
    "answers go into a class that passes nothing on": (
        "ipv4",
        (*DEAD, "tc filter add dev eth0 parent 1: protocol ip u32 match ip sport 22 0xffff flowid 1:3"),
        "out",
    ),
    "answers go into a class whose queue takes nothing": (
        "ipv4",
        (
            *DEAD[:-1],
            "tc qdisc add dev eth0 parent 1:3 pfifo limit 0",
            "tc filter add dev eth0 parent 1: protocol ip u32 match ip sport 22 0xffff flowid 1:3",
        ),
        "out",
    ),
    "others go into a class that passes nothing on": (
        "ipv4",
        (*DEAD, "tc filter add dev eth0 parent 1: protocol ip u32 match ip sport 80 0xffff flowid 1:3"),
        "",
    ),
}
EMPTY = ("ip xfrm policy flush", "tc qdisc del dev eth0 clsact", "tc qdisc del dev eth0 root")


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with pairs(f"below{os.getpid()}-", 1) as [made]:
        yield made


def arrange(pair: Pair, commands: tuple[str, ...]) -> None:
    for command in EMPTY:
        pair.server.command(*command.split())
    for command in commands:
        words = command.split()
        if words[-2] == "bytecode":
            words[-1] = words[-1].replace(",", " ", 4).replace(" ", ",", 1)  # '1,6 0 0 2'
        done = pair.server.command(*words)
        assert not done.returncode, f"{command}: {done.stderr}"


def shown(pair: Pair, *words: str) -> str:
    return pair.server.command(*words).stdout


def ends(family: Family) -> tuple[Ends, Ends]:
    return opening(family, CLIENT[family], SERVER[family], 22)


@pytest.mark.containers
@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_of_ipsec_stops_what_the_kernel_stops(name: str, pair: Pair) -> None:
    family, made, way = POLICIES[name]
    arrange(pair, tuple(f"ip xfrm policy add {policy}" for policy in made))
    listed, states = shown(pair, "ip", "xfrm", "policy"), shown(pair, "ip", "xfrm", "state")
    syn, answer = ends(family)
    assert pair.dial(family, 0.5) == ("silence" if way else "ok")
    found = {
        "in": ipsec.stopped(listed, states, "in", syn),
        "out": ipsec.stopped(listed, states, "out", answer),
    }
    assert {key for key, met in found.items() if met} == ({way} if way else set())
    assert all(met.sure for met in found.values() if met)
    for met in found.values():
        if met:
            pair.server.command(*met.policy.removal.split())
    assert pair.dial(family, 1.5) == "ok"


@pytest.mark.containers
@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_of_tc_stops_what_the_kernel_stops(name: str, pair: Pair) -> None:
    family, made, way = FILTERS[name]
    arrange(pair, made)
    queues = shown(pair, "tc", "qdisc", "show")
    dead = frozenset(traffic_control.dead_queues(queues).get("eth0", ()))
    syn, answer = ends(family)
    found = {
        "in": traffic_control.taken(shown(pair, *["tc", "filter", "show", "dev", "eth0", "ingress"]), syn),
        "out": traffic_control.taken(shown(pair, *["tc", "filter", "show", "dev", "eth0", "egress"]), answer)
        or traffic_control.taken(shown(pair, *["tc", "filter", "show", "dev", "eth0"]), answer, dead),
    }
    stopped = {key for key, hit in found.items() if hit and hit.sure} | ({"out"} if "root" in dead else set())
    assert pair.dial(family, 0.5) == ("silence" if way else "ok")
    assert stopped == ({way} if way else set())
    assert not [hit for hit in found.values() if hit and not hit.sure]


def test_a_program_of_bpf_is_a_doubt() -> None:
    text = "filter protocol all pref 7 bpf chain 0 handle 0x1 x.o:[classifier] direct-action not_in_hw id 7\n"
    hit = traffic_control.taken(text, ends("ipv4")[0])
    assert hit is not None
    assert not hit.sure


def test_actions_that_this_kernel_may_not_have_are_read_as_tc_shows_them() -> None:
    """As the manuals of iproute2 show them: gact, flower, matchall, police."""
    head = (
        "filter protocol ip pref 3 {} chain 0 handle 0x1 \n{}\taction order 1: {}\n\t index 1 ref 1 bind 1\n"
    )
    syn, answer = ends("ipv4")

    def hit(kind: str, body: str, action: str, packet: Ends = syn) -> bool | None:
        found = traffic_control.taken(head.format(kind, body, action), packet)
        return found.sure if found else None

    flower = "  eth_type ipv4\n  ip_proto tcp\n  dst_port 22\n  src_ip 198.51.100.1\n  not_in_hw\n"
    assert hit("flower", flower, "gact action drop") is True
    assert hit("flower", flower, "gact action pass") is None
    assert hit("flower", flower.replace("22", "25"), "gact action drop") is None
    assert hit("flower", flower, "gact action drop", answer) is None
    assert hit("flower", flower + "  tcp_flags 0x2/0x17\n", "gact action drop") is False
    assert hit("matchall", "  not_in_hw\n", "gact action drop") is True
    assert hit("matchall", "  not_in_hw\n", "police 0x1 rate 1Kbit burst 10b mtu 2Kb action drop") is False
