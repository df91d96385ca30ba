"""What a witness runs: by whichever program it has, the same words."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from sshdoctor.model import Host
from sshdoctor.watch.witness.script import answers, script
from watch.fake import host
from watch.odd_servers import serving
from watch.test_look import site

PROGRAMS = ("python3", "curl", "wget", "nc", "bash")
ALWAYS = ("sh", "head", "sed", "od", "tr", "cut", "tail", "timeout", "sleep", "cat")
HAVE = [name for name in PROGRAMS if shutil.which(name)]


@pytest.fixture(params=HAVE)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A PATH on which there is one of the programs alone."""
    for name in (*ALWAYS, request.param):
        if found := os.path.realpath(sys.executable) if name == "python3" else shutil.which(name):
            program = tmp_path / name
            program.write_text(f'#!/bin/sh\nexec {Path(found).resolve()} "$@"\n')
            program.chmod(0o755)
    return str(tmp_path)


def asked(path: str, hosts: list[Host], limit: float = 4.0) -> dict[int, str]:
    shell = shutil.which("sh") or "/bin/sh"
    environment = {**os.environ, "PATH": path}
    done = subprocess.run(
        [shell],
        input=script(hosts, limit).encode(),
        capture_output=True,
        env=environment,
        check=False,
        timeout=30,
    )
    return dict(answers(done.stdout, hosts))


@contextmanager
def greeting(said: bytes) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.sendall(said)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def at(port: int) -> Host:
    made = host("web1")
    return replace(made, login=replace(made.login, address="127.0.0.1", port=port))


def test_sites_come_to_their_words(path: str) -> None:
    with (
        serving({"HEAD": {"*": 200}, "GET": {"*": 200}}, 1) as good,
        serving({"HEAD": {"*": 503}, "GET": {"*": 503}}, 1) as bad,
        serving({"HEAD": {"*": 405}, "GET": {"*": 200}}, 1) as picky,
    ):
        hosts = [site(f"http://127.0.0.1:{port}/", limit=4) for port in (good, bad, picky, closed_port())]
        found = asked(path, hosts)
    assert {number: found[number] for number in (0, 1, 2)} == {0: "success", 1: "server", 2: "success"}
    # nc and bash do not say why they did not get in
    assert found[3] in ("rst", "silence", "unreachable")


def test_a_service_that_greets_comes_to_its_word(path: str) -> None:
    if Path(path, "wget").exists():
        return  # it speaks HTTP alone; see below
    with greeting(b"SSH-2.0-test\r\n") as good, greeting(b"HTTP/1.1 400 Bad\r\n") as other:
        found = asked(path, [at(good), at(other), at(closed_port())])
    assert (found[0], found[1]) == ("banner", "not-ssh")
    assert found[2] in ("rst", "silence")


def test_a_name_that_is_nowhere_is_lost_unless_a_resolver_says_so(path: str) -> None:
    if Path(path, "nc").exists() or Path(path, "bash").exists():
        return
    found = asked(path, [site("http://www.example.invalid/", limit=4)], 12)
    assert found[0] in ("lost", "name-not-found")


def test_a_page_without_the_text_that_is_expected() -> None:
    page = {"status": 200, "body": "Error establishing a database connection"}
    with serving({"HEAD": {"*": 200}, "GET": {"*": page}}, 1) as port:
        found = asked(os.environ["PATH"], [site(f"http://127.0.0.1:{port}/", expect="welcome", limit=4)])
    assert found == {0: "content"}


def test_what_a_target_is_called_is_data() -> None:
    evil = host("$(echo look 0 success >&2)'; echo 'look 0 success")
    assert "success" not in asked(os.environ["PATH"], [evil]).values()


@pytest.mark.parametrize(
    "said",
    [b"look 0 up", b"look 7 success", b"look 0 ", b"\xff\xfe", b"look 0 said open zz", b"look x success"],
)
def test_what_is_no_answer_of_the_probe_does_not_count(said: bytes) -> None:
    assert answers(said, [host("web1")]) == {}


def test_a_site_that_asks_for_a_password_is_lost_to_a_witness_without_it() -> None:
    secret = site("http://ann:secret@127.0.0.1/")
    assert answers(b"look 0 status 401", [secret]) == {0: "lost"}
    assert "secret" not in script([secret], 4)
