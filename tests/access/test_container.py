"""Containers: the engine's own troubles, and who scripts run as."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sshdoctor.access import open_way
from sshdoctor.errors import AccessError
from sshdoctor.model import Become, WayIn

if TYPE_CHECKING:
    from hosts.testbed import Testbed, TestHost


def refusal(way: WayIn) -> AccessError:
    with pytest.raises(AccessError) as caught:
        open_way(way, timeout=10)
    return caught.value


@pytest.mark.parametrize("engine", ["podman", "docker"])
def test_an_engine_that_is_not_installed_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, engine: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    error = refusal(WayIn(connection=engine, target="web1"))
    assert (error.word, error.detail) == ("not-installed", f"{engine} is not installed here")


@pytest.mark.containers
def test_a_container_that_does_not_exist_is_said(host: TestHost) -> None:
    assert refusal(WayIn(connection="podman", target="no-such-one")).word == "no-such-container"


@pytest.mark.containers
def test_a_name_that_looks_like_an_option_is_a_name(host: TestHost) -> None:
    assert refusal(WayIn(connection="podman", target="--help")).word == "no-such-container"


@pytest.mark.containers
def test_a_container_that_stops_is_said_at_once_and_later(testbed: Testbed) -> None:
    with testbed.host("debian12") as host:
        way = WayIn(connection="podman", target=host.container)
        access = open_way(way, timeout=10)
        subprocess.run(("podman", "kill", host.container), check=True, capture_output=True)
        with pytest.raises(AccessError) as caught:
            access.run("true", timeout=10)
        assert caught.value.word == "not-running"
        error = refusal(way)
    assert error.word == "not-running"
    assert error.detail in [f"podman container {host.container} is {word}" for word in ("exited", "stopped")]


@pytest.mark.containers
def test_another_user_needs_no_sudo(host: TestHost) -> None:
    access = open_way(
        WayIn(connection="podman", target=host.container, become=Become(user="deploy")), timeout=10
    )
    assert access.run("id -un", timeout=10).stdout == b"deploy\n"
    assert access.privileges == ""


def test_a_capture_is_no_way_in_to_run_anything_by() -> None:
    assert refusal(WayIn(connection="capture", target="/mnt")).word == "unsupported"
