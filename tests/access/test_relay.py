"""A connection that another host makes, by whichever program it has: the same bytes, the same words."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sshdoctor.access.local import open_local
from sshdoctor.access.relay import addresses_there, connect_there
from sshdoctor.errors import AccessError

ALWAYS = ("sh", "dd", "ip", "sed", "cat", "cut", "grep", "head", "getent")
PROGRAMS = {
    "bash": shutil.which("bash"),
    "python3": os.path.realpath(sys.executable),
    "nc": f"{shutil.which('busybox')} nc" if shutil.which("busybox") else shutil.which("nc"),
}


@pytest.fixture(params=[name for name, found in PROGRAMS.items() if found])
def program(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """On the PATH there is this one of the programs alone."""
    commands = {name: shutil.which(name) for name in ALWAYS} | {request.param: PROGRAMS[request.param]}
    for name, found in commands.items():
        (tmp_path / name).write_text(f'#!{shutil.which("sh")}\nexec {found} "$@"\n')
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return str(request.param)


@contextmanager
def echoing(most: int) -> Iterator[int]:
    """A server that gives back what it was told, ``most`` bytes of it, and then closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    left = most
                    while left and (data := connection.recv(65536)):
                        connection.sendall(data)
                        left -= len(data)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


def test_bytes_come_through_both_ways_and_the_end_too(program: str) -> None:
    sent = os.urandom(100_000)
    with echoing(len(sent)) as port:
        link, source = connect_there(open_local(), "127.0.0.1", port, 10)
        with link:
            link.settimeout(20)
            threading.Thread(target=link.sendall, args=(sent,)).start()
            came = b""
            while data := link.recv(65536):
                came += data
    assert came == sent
    assert source == "127.0.0.1"


def test_what_refuses_is_told_with_its_words(program: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(AccessError) as failed:
        connect_there(open_local(), "127.0.0.1", port, 10)
    assert failed.value.word == "refused"
    assert "refused" in failed.value.detail.lower()


def test_what_does_not_answer_is_silent(program: str) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port, waiting = full.getsockname()[1], []
        for _ in range(3):  # what is over the backlog gets no answer to its SYN
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
            waiting.append(one)
        with pytest.raises(AccessError) as failed:
            connect_there(open_local(), "127.0.0.1", port, 1.5)
        for one in waiting:
            one.close()
    assert failed.value.word == "silence"


def test_a_host_without_any_of_the_programs_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ALWAYS:
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AccessError, match="none of bash, python3, nc") as failed:
        connect_there(open_local(), "127.0.0.1", 80, 10)
    assert failed.value.word == "unknown"


def test_names_are_looked_up_there() -> None:
    assert "127.0.0.1" in addresses_there(open_local(), "localhost", 10)
    assert addresses_there(open_local(), "192.0.2.7", 10) == ("192.0.2.7",)
    with pytest.raises(AccessError, match="gave no address of x") as failed:
        addresses_there(open_local(), "x.invalid", 10)
    assert failed.value.word in ("unknown", "name-not-found")
