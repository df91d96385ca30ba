"""Waiting for a port, with real listeners."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from remedy.harness import SHELLS, Case, Stage, install_applets, read_cases, run_case

CASE = replace(
    next(case for case in read_cases(Path(__file__).parent / "cases") if case.module == "wait_for")
)


def wait(shell: str, folder: Path, **arguments: object) -> dict[str, Stage]:
    case: Case = replace(CASE, arguments={"timeout": 3, **arguments}, before={})
    return run_case(case, shell, folder, install_applets(folder / "bin"))


@pytest.mark.alone
@pytest.mark.parametrize("shell", SHELLS)
def test_a_listener_on_loopback_is_seen(shell: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ran = wait(shell, tmp_path, port=server.getsockname()[1])
    assert [stage.values["failed"] for stage in ran.values()] == ["false"] * 3
    assert ran["check"].values["skipped"] == "true"
    assert int(ran["first"].values["elapsed"]) <= 1  # a second may have begun meanwhile
    assert ran["first"].values["changed"] == "false"


@pytest.mark.parametrize("shell", SHELLS)
def test_a_listener_on_both_families_is_seen_from_either(shell: str, tmp_path: Path) -> None:
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        for number, host in enumerate(("127.0.0.1", "::1", "localhost")):
            (tmp_path / str(number)).mkdir()
            ran = wait(shell, tmp_path / str(number), port=server.getsockname()[1], host=host)
            assert ran["first"].values["failed"] == "false"


def test_a_listener_on_ipv4_is_none_on_ipv6(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ran = wait("dash", tmp_path, port=server.getsockname()[1], host="::1", timeout=0)
    assert ran["first"].values["failed"] == "true"


def test_a_listener_on_another_address_is_none_on_loopback(tmp_path: Path) -> None:
    with socket.create_server(("127.1.2.3", 0)) as server:
        ran = wait("dash", tmp_path, port=server.getsockname()[1], timeout=0)
    assert ran["first"].values["failed"] == "true"


def test_a_port_in_use_is_not_stopped(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ran = wait("dash", tmp_path, port=server.getsockname()[1], state="stopped", timeout=0)
    assert ran["first"].values["failed"] == "true"
    assert "is not stopped" in ran["first"].values["msg"]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_listener_that_comes_later_is_waited_for(shell: str, tmp_path: Path) -> None:
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    began = time.monotonic()
    threading.Timer(0.7, server.listen).start()
    with server:
        ran = wait(shell, tmp_path, port=server.getsockname()[1], timeout=20)
    assert ran["first"].values["failed"] == "false"
    assert 0.6 < time.monotonic() - began < 15
