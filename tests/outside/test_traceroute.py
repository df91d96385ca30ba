"""A closer look from outside, through two routers in a row: the kernel itself answers at each."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator

import pytest

from firewall.namespaces import Namespace
from sshdoctor.diagnosis.outside import ProbeOptions, look_outside
from sshdoctor.model import Family, Hop, Host, Login, Reply, WayIn

pytestmark = [pytest.mark.containers, pytest.mark.xdist_group("traceroute")]

FIRST: dict[Family, str] = {"ipv4": "198.51.100.254", "ipv6": "fd00:5d0d:1::fe"}
SECOND: dict[Family, str] = {"ipv4": "203.0.113.2", "ipv6": "fd00:5d0d:2::2"}
SERVER: dict[Family, str] = {"ipv4": "203.0.113.130", "ipv6": "fd00:5d0d:3::2"}
TOOLS: dict[Family, str] = {"ipv4": "iptables", "ipv6": "ip6tables"}

SETUP = """
ip link add c netns client type veth peer name north netns first
ip link add south netns first type veth peer name north netns second
ip link add s netns server type veth peer name south netns second
ip -n client addr add 198.51.100.1/24 dev c
ip -n client addr add fd00:5d0d:1::1/64 dev c
ip -n first addr add 198.51.100.254/24 dev north
ip -n first addr add fd00:5d0d:1::fe/64 dev north
ip -n first addr add 203.0.113.1/25 dev south
ip -n first addr add fd00:5d0d:2::1/64 dev south
ip -n second addr add 203.0.113.2/25 dev north
ip -n second addr add fd00:5d0d:2::2/64 dev north
ip -n second addr add 203.0.113.129/25 dev south
ip -n second addr add fd00:5d0d:3::1/64 dev south
ip -n server addr add 203.0.113.130/25 dev s
ip -n server addr add fd00:5d0d:3::2/64 dev s
ip -n client link set c up
ip -n first link set north up
ip -n first link set south up
ip -n second link set north up
ip -n second link set south up
ip -n server link set s up
ip -n server link set lo up
ip -n client route add default via 198.51.100.254
ip -n client -6 route add default via fd00:5d0d:1::fe
ip -n first route add 203.0.113.128/25 via 203.0.113.2
ip -n first -6 route add fd00:5d0d:3::/64 via fd00:5d0d:2::2
ip -n second route add 198.51.100.0/24 via 203.0.113.1
ip -n second -6 route add fd00:5d0d:1::/64 via fd00:5d0d:2::1
ip -n server route add default via 203.0.113.129
ip -n server -6 route add default via fd00:5d0d:3::1
"""
QUIET = """
echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
echo 0 >/proc/sys/net/ipv4/icmp_ratelimit
echo 0 >/proc/sys/net/ipv6/icmp/ratelimit
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
"""


class LongWay:
    """client - first router - second router - server."""

    def __init__(self) -> None:
        self._closing = contextlib.ExitStack()
        self.spaces: dict[str, Namespace] = {}
        for number, role in enumerate(("client", "first", "second", "server")):
            self.spaces[role] = Namespace(f"around{os.getpid()}-{number}")
            self._closing.callback(self.spaces[role].close)
            self.run(role, "sh", "-c", QUIET)
        try:
            for line in SETUP.strip().splitlines():
                self.run("client", *(self._name(word) for word in line.split()))
        except BaseException:
            self.close()
            raise

    def _name(self, word: str) -> str:
        return self.spaces[word].name if word in self.spaces else word

    def run(self, role: str, *words: str) -> None:
        done = self.spaces[role].command(*words)
        assert not done.returncode, (words, done.stderr)

    def rule(self, role: str, family: Family, rule: str) -> None:
        self.run(role, TOOLS[family], "-A", *rule.split())

    def flush(self) -> None:
        for role in self.spaces:
            for tool in TOOLS.values():
                self.run(role, tool, "-F")

    def listen(self, port: int) -> socket.socket:
        return self.spaces["server"].run(
            lambda: socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
        )

    def look(self, family: Family, *, deep: bool = True) -> Reply:
        login = Login(address=SERVER[family], port=22)
        host = Host(service="ssh", name="web1", login=login, ways=(WayIn(connection="ssh", login=login),))
        probing = ProbeOptions(timeout=1.5, outside_only=True, deep=deep)
        return self.spaces["client"].run(lambda: look_outside(host, probing)).replies[0]

    def close(self) -> None:
        self._closing.close()


@pytest.fixture(scope="module")
def wires() -> Iterator[LongWay]:
    with contextlib.closing(LongWay()) as way:
        for family in SERVER:
            way.look(family, deep=False)  # the first packets wait for the neighbours to be found
        yield way


@pytest.fixture
def way(wires: LongWay) -> Iterator[LongWay]:
    yield wires
    wires.flush()


def routers(family: Family, count: int) -> tuple[Hop, ...]:
    senders = (FIRST[family], SECOND[family])[:count]
    return tuple(Hop(number=at, sender=one, reply="expired") for at, one in enumerate(senders, 1))


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_the_last_router_that_speaks_is_where_the_packets_stop(way: LongWay, family: Family) -> None:
    way.rule("second", family, "FORWARD -p tcp --dport 22 -j DROP")
    reply = way.look(family)
    assert (reply.word, reply.path) == ("silence", routers(family, 2))
    assert reply.neighbours is not None
    assert {one.port: one.reply for one in reply.neighbours} == dict.fromkeys((80, 443, 2222, 22022), "rst")


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_a_drop_at_the_first_router_leaves_the_second_unseen(way: LongWay, family: Family) -> None:
    way.rule("first", family, "FORWARD -p tcp --dport 22 -j DROP")
    assert way.look(family).path == routers(family, 1)


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_a_port_where_nothing_listens_shows_the_whole_way(way: LongWay, family: Family) -> None:
    end = Hop(number=3, sender=SERVER[family], reply="rst")
    assert way.look(family).path == (*routers(family, 2), end)


def test_a_router_that_refuses_is_named_with_what_it_said(way: LongWay) -> None:
    way.rule("first", "ipv4", "FORWARD -p tcp --dport 22 -j REJECT --reject-with icmp-admin-prohibited")
    end = Hop(number=2, sender=FIRST["ipv4"], reply="icmp-admin-prohibited")
    assert way.look("ipv4").path == (*routers("ipv4", 1), end)


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_a_host_with_only_port_443_open_is_up(way: LongWay, family: Family) -> None:
    way.rule("server", family, "INPUT -p tcp ! --dport 443 -j DROP")
    with way.listen(443):
        reply = way.look(family)
    assert reply.word == "silence"
    assert reply.neighbours is not None
    assert {one.port: one.reply for one in reply.neighbours} == {
        80: "silence",
        443: "no-banner",
        2222: "silence",
        22022: "silence",
    }


def test_nobody_looks_around_without_being_asked(way: LongWay) -> None:
    reply = way.look("ipv4", deep=False)
    assert (reply.word, reply.neighbours, reply.path) == ("rst", None, None)


def test_a_way_that_ends_in_a_connection_is_not_walked_again(way: LongWay) -> None:
    """A port that is open gets one connection, not thirty."""
    with way.listen(22):
        reply = way.look("ipv4")
    assert (reply.word, reply.path) == ("no-banner", None)
