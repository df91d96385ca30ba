"""What sizes of packets come through where a router takes smaller ones, and does not say so."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from outside.namespaces import PORT, SERVER, Network, _enter
from sshdoctor.model import Login, Reply
from sshdoctor.outside.large_packets import Passage, measure
from sshdoctor.outside.unmarked import connects_unmarked
from sshdoctor.services import load

pytestmark = pytest.mark.containers
SSH = load("ssh")
ANSWER = (1200).to_bytes(4) + bytes(1200)
"""A first answer of the host's, about as long as OpenSSH's."""
REPLY = Reply(address=SERVER, family="ipv4", port=PORT, word="kex-failed")
AF21 = Login(address=SERVER, port=PORT, options={"ipqos": "af21 cs1"})


@pytest.fixture
def network() -> Iterator[Network]:
    made = Network()
    within = ThreadPoolExecutor(1, initializer=_enter, initargs=(made.names["SERVER"],))
    listener = within.submit(socket.create_server, ("0.0.0.0", PORT)).result()  # noqa: S104 -- in a namespace
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    try:
        yield made
    finally:
        listener.close()
        within.shutdown()
        made.remove()


def serve(listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=talk, args=(connection,), daemon=True).start()


def talk(connection: socket.socket) -> None:
    with connection, contextlib.suppress(OSError):
        connection.sendall(b"SSH-2.0-test\r\n")
        if connection.recv(100):
            connection.sendall(ANSWER)
        while connection.recv(65536):
            pass


def measured(network: Network) -> Passage | None:
    return network.client.submit(measure, REPLY, SSH, 1.0).result()


def narrow(network: Network, to_client: int, to_server: int) -> None:
    """The router's routes take so many bytes, and its ICMP is dropped."""
    network.run(
        "ROUTER", "ip", "route", "replace", "198.51.100.0/24", "dev", "rc", "mtu", "lock", str(to_client)
    )
    network.run(
        "ROUTER", "ip", "route", "replace", "203.0.113.0/24", "dev", "rs", "mtu", "lock", str(to_server)
    )
    network.rule("ROUTER", "iptables", "OUTPUT -p icmp -j DROP")


def test_where_all_comes_through_nothing_is_stuck(network: Network) -> None:
    assert measured(network) == Passage(passed=1500, stuck=None, answered=True)


def test_large_packets_to_the_host_are_lost_and_their_size_is_told(network: Network) -> None:
    narrow(network, 1500, 1280)
    found = measured(network)
    assert found is not None
    assert found.blocked
    assert found.answered
    assert found.passed <= 1280 < (found.stuck or 0) <= found.passed + 60


def test_large_answers_are_lost_and_small_ones_are_not(network: Network) -> None:
    narrow(network, 1000, 1500)
    found = measured(network)
    assert found is not None
    assert found.blocked
    assert (found.answered, found.answered_small, found.stuck) == (False, True, None)


def test_a_server_that_does_not_answer_is_no_matter_of_size(network: Network) -> None:
    network.rule("SERVER", "iptables", "OUTPUT -p tcp -m length --length 300:2000 -j DROP")
    network.rule(
        "SERVER", "iptables", "OUTPUT -p tcp -m tcp --tcp-flags PSH PSH -m length --length 80:2000 -j DROP"
    )
    found = measured(network)
    assert found is not None
    assert not found.blocked


def test_without_a_greeting_nothing_is_measured(network: Network) -> None:
    network.rule("SERVER", "iptables", "INPUT -p tcp --dport 22 -j DROP")
    assert measured(network) is None


def test_marked_packets_that_are_dropped_come_through_without_the_mark(network: Network) -> None:
    network.rule("ROUTER", "iptables", "FORWARD -p tcp -m dscp ! --dscp 0 -j DROP")
    reply = network.dial(SERVER, login=AF21)
    assert reply.word == "silence"
    assert network.client.submit(connects_unmarked, AF21, SSH, reply, 2).result() is True
    plain = Login(address=SERVER, port=PORT, options={"ipqos": "none"})
    assert network.dial(SERVER, login=plain).word == "banner"


def test_a_host_that_is_silent_in_any_case_is_silent_without_the_mark(network: Network) -> None:
    network.rule("SERVER", "iptables", "INPUT -p tcp --dport 22 -j DROP")
    reply = network.dial(SERVER, login=AF21)
    assert network.client.submit(connects_unmarked, AF21, SSH, reply, 2).result() is False


@pytest.mark.parametrize(
    ("said", "byte"),
    [("af21 cs1", 0x48), ("lowdelay throughput", 0x10), ("ef", 0xB8), ("0x20", 0x20), ("none", 0)],
)
def test_the_mark_is_the_one_that_ssh_sets(said: str, byte: int) -> None:
    assert SSH.service_type(Login(address="web1", port=PORT, options={"ipqos": said})) == byte
