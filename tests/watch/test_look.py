"""A look at a real server comes to the word that is right, and ends in time."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from sshdoctor.inventory.sites import Request, ad_hoc, of_site, parse_url
from sshdoctor.model import Host, Reply
from sshdoctor.outside import resolve as resolving
from sshdoctor.services import load
from sshdoctor.watch.look import judged, look_at
from watch.odd_servers import serving

LIMIT = 1.2
SERVERS: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "servers.yml").read_text())


def site(url: str, expect: str = "", limit: float = LIMIT) -> Host:
    asked = replace(parse_url(url), limit=limit, expect=expect, token="sshdoctor/test")  # noqa: S106 -- a name
    return of_site(ad_hoc(asked), asked, Request())


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server["name"])
def test_an_odd_server_comes_to_its_word(server: dict[str, Any]) -> None:
    with serving(server["answers"], LIMIT) as port:
        began = time.monotonic()
        look = look_at(site(f"http://127.0.0.1:{port}/", server.get("expect", "")))
        assert time.monotonic() - began < LIMIT + 0.5
    assert look.word == server["word"], look
    assert server.get("note", "") in look.note


def test_a_connection_that_is_closed_at_head_is_asked_again_by_get() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for _ in range(2):
                connection, _ = listener.accept()
                with connection:
                    if connection.recv(4096).startswith(b"GET"):
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        assert look_at(site(f"http://127.0.0.1:{listener.getsockname()[1]}/")).word == "success"


def test_a_drip_ends_with_the_look() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=slowly, args=(connection,), daemon=True).start()

        def slowly(connection: socket.socket) -> None:
            try:
                while True:
                    connection.sendall(b"H")
                    time.sleep(0.05)
            except OSError:
                connection.close()

        threading.Thread(target=drip, daemon=True).start()
        began = time.monotonic()
        assert (
            look_at(site(f"http://127.0.0.1:{listener.getsockname()[1]}/", limit=0.6)).word == "intermittent"
        )
        assert time.monotonic() - began < 1.2


def test_a_closed_port_is_a_network_word() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert look_at(site(f"http://127.0.0.1:{port}/")).word == "rst"


def test_a_resolver_without_an_answer_is_lost_and_a_name_that_is_not_there_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number, word in ((socket.EAI_AGAIN, "unknown"), (socket.EAI_NONAME, "name-not-found")):
        error = socket.gaierror(number, "as the resolver says")

        def fail(name: str, port: int, wanted: int, flags: int, error: OSError = error) -> Any:
            raise error

        monkeypatch.setattr(resolving, "_getaddrinfo", fail)
        assert look_at(site("http://www.example.invalid/")).word == word


def test_a_redirect_to_a_name_that_no_resolver_answers_for_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = resolving._getaddrinfo

    def fail(name: str, port: int, wanted: int, flags: int) -> Any:
        if flags or name != "elsewhere.invalid":
            return ask(name, port, wanted, flags)
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    monkeypatch.setattr(resolving, "_getaddrinfo", fail)
    away = {"*": [302, "http://elsewhere.invalid/"]}
    with serving({"HEAD": away, "GET": away}, LIMIT) as port:
        assert look_at(site(f"http://127.0.0.1:{port}/")).lost


def reply(family: str, word: str, lost: bool = False) -> Reply:
    return Reply(
        address="192.0.2.1", family="ipv6" if family == "ipv6" else "ipv4", port=80, word=word, lost=lost
    )


def test_one_family_that_answers_is_up_with_a_note() -> None:
    look = judged([reply("ipv4", "success"), reply("ipv6", "silence")], load("web"), 0.1)
    assert (look.word, look.note) == ("success", "ipv6: silence")


def test_a_family_that_this_machine_has_not_is_no_vote() -> None:
    alone = judged([reply("ipv6", "local-unreachable", lost=True)], load("web"), 0.1)
    assert alone.lost
    beside = judged([reply("ipv6", "local-unreachable", lost=True), reply("ipv4", "rst")], load("web"), 0.1)
    assert beside.word == "rst"
