"""What a hostile site sends is bounded, followed to no other scheme, and acted upon nowhere."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from sshdoctor.model import Site
from sshdoctor.services.web.visit import Look, visit

Answer = Callable[[socket.socket], None]
HEAD = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def serving(answer: Answer) -> Iterator[int]:
    """A server on loopback that gives each connection to ``answer``; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=talk, args=(connection,), daemon=True).start()

        def talk(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                connection.recv(65536)
                answer(connection)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def look(answer: Answer, method: str = "GET", limit: float = 2) -> Look:
    with serving(answer) as port:
        site = Site(scheme="http", name="127.0.0.1", port=port, target="/", method=method, limit=limit)
        first = socket.create_connection(("127.0.0.1", port))
        return visit(site, first, lambda name, port: socket.create_connection((name, port)))


def endless(connection: socket.socket, begin: bytes, more: bytes) -> None:
    connection.sendall(begin)
    while True:
        connection.sendall(more)


def slowly(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"H")
        time.sleep(0.1)


def test_endless_headers_are_no_http() -> None:
    found = look(lambda connection: endless(connection, HEAD, b"X-More: " + b"x" * 1000 + b"\r\n"))
    assert found.word == "not-http"


def test_of_an_endless_body_a_part_is_read() -> None:
    found = look(lambda connection: endless(connection, HEAD + b"\r\n", b"x" * 65536))
    assert found.word == "success" and len(found.answer.exchanges[-1].body) <= 65536


def test_a_drip_ends_with_the_limit_of_the_whole_look() -> None:
    began = time.monotonic()
    assert look(slowly, limit=0.5).word == "intermittent"
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("where", ["file:///etc/passwd", "gopher://127.0.0.1/", "javascript:alert(1)"])
def test_a_redirect_is_followed_to_no_other_scheme(where: str) -> None:
    asked: list[int] = []

    def answer(connection: socket.socket) -> None:
        asked.append(1)
        connection.sendall(f"HTTP/1.1 302 Found\r\nLocation: {where}\r\nContent-Length: 0\r\n\r\n".encode())

    found = look(answer)
    assert found.word == "redirection" and "another scheme" in found.detail and len(asked) == 1


def test_a_redirect_to_a_port_that_is_none_is_no_http() -> None:
    said = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:99999999/\r\nContent-Length: 0\r\n\r\n"
    assert look(lambda connection: connection.sendall(said)).word == "not-http"


def test_what_is_packed_is_not_unpacked() -> None:
    packed = gzip.compress(b"0" * 50_000_000)
    said = HEAD + f"Content-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode() + packed
    found = look(lambda connection: connection.sendall(said))
    assert found.word == "success" and len(found.answer.exchanges[-1].body) <= 65536


def test_redirects_that_go_round_are_ended() -> None:
    said = b"HTTP/1.1 301 Moved\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"
    found = look(lambda connection: connection.sendall(said))
    assert found.word == "redirection" and len(found.answer.exchanges) == 3


def test_a_header_that_would_begin_another_line_is_refused() -> None:
    said = b"HTTP/1.1 302 Found\r\nLocation: /a\rSet-Cookie: x\r\nContent-Length: 0\r\n\r\n"
    found = look(lambda connection: connection.sendall(said))
    assert found.word in ("not-http", "redirection")
    assert all("\r" not in one.url for one in found.answer.exchanges)
