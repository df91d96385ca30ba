"""What the kernel answers to a knock, and the word that it gets: measured, not imitated."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from outside.namespaces import CLIENT, CLIENT6, ROUTER, ROUTER6, SERVER, SERVER6, Network

pytestmark = [pytest.mark.containers, pytest.mark.xdist_group("connect")]

IPV4_REJECTS = (
    "icmp-net-unreachable",
    "icmp-host-unreachable",
    "icmp-proto-unreachable",
    "icmp-port-unreachable",
    "icmp-net-prohibited",
    "icmp-host-prohibited",
    "icmp-admin-prohibited",
)
IPV6_REJECTS = (
    "icmp6-no-route",
    "icmp6-adm-prohibited",
    "icmp6-addr-unreachable",
    "icmp6-port-unreachable",
    "icmp6-policy-fail",
    "icmp6-reject-route",
)


@pytest.fixture(scope="module")
def wires() -> Iterator[Network]:
    network = Network()
    network.dial(SERVER6)  # the first packet of a new wire may be lost, and is sent again after a second
    yield network
    network.remove()


@pytest.fixture
def network(wires: Network) -> Iterator[Network]:
    yield wires
    wires.flush()


@pytest.mark.parametrize(("address", "source"), [(SERVER, CLIENT), (SERVER6, CLIENT6)])
def test_a_port_where_nothing_listens_answers_with_a_reset(
    network: Network, address: str, source: str
) -> None:
    reply = network.dial(address)
    assert (reply.word, reply.sender, reply.source) == ("rst", address, source)
    assert reply.elapsed_ms is not None
    assert reply.elapsed_ms < 1000


@pytest.mark.parametrize("word", IPV4_REJECTS)
def test_an_ipv4_reject_is_told_by_its_own_name_and_sender(network: Network, word: str) -> None:
    network.rule("SERVER", "iptables", f"INPUT -p tcp --dport 22 -j REJECT --reject-with {word}")
    reply = network.dial(SERVER)
    assert (reply.word, reply.sender, reply.family, reply.source) == (word, SERVER, "ipv4", CLIENT)


@pytest.mark.parametrize("word", IPV6_REJECTS)
def test_an_ipv6_reject_is_told_by_its_own_name_and_sender(network: Network, word: str) -> None:
    network.rule("SERVER", "ip6tables", f"INPUT -p tcp --dport 22 -j REJECT --reject-with {word}")
    reply = network.dial(SERVER6)
    assert (reply.word, reply.sender, reply.family, reply.source) == (word, SERVER6, "ipv6", CLIENT6)


@pytest.mark.parametrize(("tool", "address"), [("iptables", SERVER), ("ip6tables", SERVER6)])
def test_a_reject_with_tcp_reset_cannot_be_told_from_a_closed_port(
    network: Network, tool: str, address: str
) -> None:
    network.rule("SERVER", tool, "INPUT -p tcp --dport 22 -j REJECT --reject-with tcp-reset")
    reply = network.dial(address)
    assert (reply.word, reply.sender) == ("rst", address)


@pytest.mark.parametrize(("tool", "address"), [("iptables", SERVER), ("ip6tables", SERVER6)])
def test_a_drop_is_silence(network: Network, tool: str, address: str) -> None:
    network.rule("SERVER", tool, "INPUT -p tcp --dport 22 -j DROP")
    reply = network.dial(address, timeout=0.5)
    assert (reply.word, reply.sender, reply.elapsed_ms) == ("silence", None, None)
    assert reply.source in (CLIENT, CLIENT6)


@pytest.mark.parametrize(
    ("tool", "word", "address", "router"),
    [
        ("iptables", "icmp-admin-prohibited", SERVER, ROUTER),
        ("ip6tables", "icmp6-adm-prohibited", SERVER6, ROUTER6),
    ],
)
def test_a_reject_on_the_way_names_the_router_and_not_the_host(
    network: Network, tool: str, word: str, address: str, router: str
) -> None:
    network.rule("ROUTER", tool, f"FORWARD -p tcp --dport 22 -j REJECT --reject-with {word}")
    reply = network.dial(address)
    assert (reply.word, reply.sender) == (word, router)


@pytest.mark.parametrize("address", ["192.0.2.1", "fd00:5d0c:9::1"])
def test_no_route_is_this_machines_own_doing(network: Network, address: str) -> None:
    reply = network.dial(address)
    assert (reply.word, reply.sender, reply.source) == ("local-unreachable", None, None)


@pytest.mark.parametrize(("address", "source"), [("198.51.100.77", CLIENT), ("fd00:5d0c:1::77", CLIENT6)])
def test_a_neighbour_that_is_off_is_local_unreachable_after_three_seconds(
    network: Network, address: str, source: str
) -> None:
    reply = network.dial(address, timeout=5)
    assert (reply.word, reply.sender) == ("local-unreachable", source)


def test_a_host_that_is_off_behind_a_router_is_what_the_router_says(network: Network) -> None:
    reply = network.dial("203.0.113.77", timeout=5)
    assert (reply.word, reply.sender) == ("icmp-host-unreachable", ROUTER)


@pytest.mark.parametrize(("tool", "address"), [("iptables", SERVER), ("ip6tables", SERVER6)])
def test_the_clients_own_firewall_is_local_unreachable(network: Network, tool: str, address: str) -> None:
    network.rule("CLIENT", tool, "OUTPUT -p tcp --dport 22 -j REJECT")
    assert network.dial(address).word == "local-unreachable"


def test_a_host_that_rejects_what_it_sends_itself_is_a_firewall_and_no_missing_route(
    network: Network,
) -> None:
    network.rule("CLIENT", "iptables", "INPUT -p tcp --dport 22 -j REJECT")
    assert network.dial("127.0.0.1").word == "icmp-port-unreachable"
