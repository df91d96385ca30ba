"""Answers as they stand on the wire, of servers that made monitors wrong: the word is right, and in time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from sshdoctor.watch.look import look_at
from watch.test_look import site
from watch.test_probe import asked

LIMIT = 1.2
GOOD = "HTTP/1.1 200 OK\r\n\r\n"
ANSWERS: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "raw_answers.yml").read_text())


@contextmanager
def saying(answer: Mapping[str, Any]) -> Iterator[int]:
    """The port of a server that says what the data says, and closes."""

    def said(method: str, where: str) -> bytes:
        text = answer.get("both", answer.get(method, GOOD))
        if where == "/":
            text = answer.get("first", text)
        whole = text + "x" * answer.get("filling", 0) + answer.get("last", "")
        whole = whole.replace("{port}", str(listener.getsockname()[1]))
        return str(whole).encode(answer.get("code", "latin-1"))

    def converse(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            request = b""
            while b"\r\n\r\n" not in request and (data := connection.recv(65536)):
                request += data
            method, where, *_ = request.decode("latin-1").split(" ")
            connection.sendall(said(method, where))
            if answer.get("then") == "stay":
                connection.recv(1)
            while "then" in answer:
                connection.sendall(answer["then"].encode() * 50)

    def serve() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=converse, args=listener.accept()[:1], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer["name"])
def test_an_answer_comes_to_its_word(answer: dict[str, Any]) -> None:
    with saying(answer) as port:
        began = time.monotonic()
        look = look_at(site(f"http://127.0.0.1:{port}/", answer.get("expect", ""), LIMIT))
        assert time.monotonic() - began < LIMIT + 1
    assert look.word == answer["word"], look.note
    assert answer.get("note", "") in look.note


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer["name"])
def test_a_witness_never_sees_up_what_is_not_nor_the_other_way(answer: dict[str, Any]) -> None:
    """By this machine's own python3; it may say another word, and it may be lost."""
    with saying(answer) as port:
        found = asked("/usr/bin:/bin", [site(f"http://127.0.0.1:{port}/", answer.get("expect", ""), LIMIT)])
    good = "success" if answer["word"] == "success" else "bad"
    assert {"lost": good, "success": "success"}.get(found.get(0, "lost"), "bad") == good, found
