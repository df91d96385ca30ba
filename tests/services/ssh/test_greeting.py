"""Real servers on the loopback, polite and otherwise, and what is read from them."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from sshdoctor.model import Login
from sshdoctor.outside import DialResult, dial
from sshdoctor.services import load
from sshdoctor.services.ssh.greeting import judge_greeting

Behaviour = Callable[[socket.socket], None]
Serve = Callable[[Behaviour], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server that treats its one client in a given way; gives its port."""
    listeners: list[socket.socket] = []

    def start(behave: Behaviour) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def answer() -> None:
            client, _ = listener.accept()
            with client, contextlib.suppress(OSError):  # the other side may well be gone
                behave(client)

        threading.Thread(target=answer, daemon=True).start()
        port: int = listener.getsockname()[1]
        return port

    yield start
    for listener in listeners:
        listener.close()


def knock(port: int, timeout: float = 0.4) -> DialResult:
    (dialled,) = dial(Login(address="127.0.0.1", port=port), load("ssh"), timeout)
    if dialled.socket:
        dialled.socket.close()
    return dialled


def says(text: bytes, *, then_stay: bool = True) -> Behaviour:
    def behave(client: socket.socket) -> None:
        client.sendall(text)
        if then_stay:
            client.settimeout(5)
            client.recv(1)

    return behave


def test_a_banner_is_read_and_left_for_the_login(serve: Serve) -> None:
    port = serve(says(b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"))
    (dialled,) = dial(Login(address="127.0.0.1", port=port), load("ssh"), 1)
    assert dialled.socket is not None
    with dialled.socket as sock:
        sock.settimeout(1)
        assert sock.recv(10) == b"SSH-2.0-Op"
    assert (dialled.reply.word, dialled.reply.banner) == ("banner", "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3")
    assert dialled.reply.source == "127.0.0.1"


def test_lines_before_the_banner_are_allowed(serve: Serve) -> None:
    port = serve(says(b"Authorised use only.\r\n" * 30 + b"SSH-2.0-x\r\n"))
    assert knock(port).reply.banner == "SSH-2.0-x"


def test_a_banner_that_drips_in_is_a_banner_and_costs_no_busy_waiting(serve: Serve) -> None:
    def drip(client: socket.socket) -> None:
        for byte in b"SSH-2.0-slow\r\n":
            client.sendall(bytes([byte]))
            time.sleep(0.03)
        client.recv(1)

    began = time.thread_time()
    assert knock(serve(drip), timeout=2).reply.banner == "SSH-2.0-slow"
    assert time.thread_time() - began < 0.1


def test_half_a_line_is_waited_for_without_busy_waiting(serve: Serve) -> None:
    began = time.thread_time()
    reply = knock(serve(says(b"SSH-2.0-Open"))).reply
    assert (reply.word, reply.banner, reply.detail) == ("no-banner", None, "SSH-2.0-Open")
    assert time.thread_time() - began < 0.1


@pytest.mark.parametrize("word", ["nothing at all", "an HTTP server, which waits for us"])
def test_a_server_that_says_nothing_is_no_banner(serve: Serve, word: str) -> None:
    reply = knock(serve(says(b""))).reply
    assert (reply.word, reply.detail) == ("no-banner", None), word
    assert reply.elapsed_ms is not None


def test_a_listener_that_never_accepts_is_no_banner() -> None:
    with socket.create_server(("127.0.0.1", 0)) as hung:
        assert knock(hung.getsockname()[1]).reply.word == "no-banner"


def test_a_server_that_closes_at_once_is_closed_before_banner(serve: Serve) -> None:
    reply = knock(serve(says(b"", then_stay=False))).reply
    assert (reply.word, reply.detail) == ("closed-before-banner", None)


def test_a_reset_after_the_accept_is_closed_before_banner(serve: Serve) -> None:
    def reset(client: socket.socket) -> None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    reply = knock(serve(reset)).reply
    assert (reply.word, reply.detail) == ("closed-before-banner", "reset")


@pytest.mark.parametrize("text", ["Exceeded MaxStartups", "Not allowed at this time"])
def test_a_refusal_of_sshd_in_plain_text_is_kept_in_the_detail(serve: Serve, text: str) -> None:
    reply = knock(serve(says(text.encode() + b"\r\n", then_stay=False))).reply
    assert (reply.word, reply.detail) == ("closed-before-banner", text)


def test_a_banner_that_is_cut_off_is_closed_before_banner(serve: Serve) -> None:
    assert knock(serve(says(b"SSH-2.0-Op", then_stay=False))).reply.word == "closed-before-banner"


@pytest.mark.alone
@pytest.mark.parametrize(
    "text",
    [
        b"220 mail.example.org ESMTP\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"RFB 003.008\n",
        b"J\0\0\0\n5.5.5-10.11",
        b"+OK POP3 ready\r\n",
    ],
)
def test_another_protocol_that_speaks_first_is_told_at_once(serve: Serve, text: bytes) -> None:
    began = time.monotonic()
    assert knock(serve(says(text)), timeout=5).reply.word == "not-ssh"
    assert time.monotonic() - began < 2


def test_whole_lines_without_a_banner_are_another_protocol(serve: Serve) -> None:
    reply = knock(serve(says(b"login: \r\n"))).reply
    assert (reply.word, reply.detail) == ("not-ssh", "login:")


def test_a_flood_without_a_line_end_is_not_ssh_and_is_not_read_for_ever(serve: Serve) -> None:
    def flood(client: socket.socket) -> None:
        while True:
            client.sendall(b"A" * 65536)

    reply = knock(serve(flood), timeout=5).reply
    assert reply.word == "not-ssh"
    assert reply.detail == "A" * 255


def test_bytes_that_are_no_text_are_shown_as_escapes(serve: Serve) -> None:
    assert knock(serve(says(b"SSH-2.0-\xff\x1b[31m\n"))).reply.banner == "SSH-2.0-\\xff\x1b[31m"


def test_a_banner_longer_than_the_rfc_allows_is_cut() -> None:
    greeting = judge_greeting(b"SSH-2.0-" + b"A" * 400)
    assert greeting is not None
    assert greeting.banner is not None
    assert len(greeting.banner) == 255


@pytest.mark.alone
def test_all_addresses_are_dialled_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    listeners = [socket.create_server((f"127.0.0.{n}", 0)) for n in (1, 2, 3)]
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", listener.getsockname()) for listener in listeners]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)
    began = time.monotonic()
    replies = [dialled.reply for dialled in dial(Login(address="many", port=22), load("ssh"), 0.4)]
    assert [reply.word for reply in replies] == ["no-banner"] * 3
    assert [reply.address for reply in replies] == ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    assert time.monotonic() - began < 1
    for listener in listeners:
        listener.close()


def test_a_listener_that_resets_at_once_is_never_taken_for_a_closed_port(serve: Serve) -> None:
    def reset(client: socket.socket) -> None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    assert {knock(serve(reset)).reply.word for _ in range(20)} == {"closed-before-banner"}
