"""What stops on the way to a host is told of the stage where it stopped, and the host is not blamed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from access.conftest import start_sshd  # noqa: F401  # a fixture
from access.servers import Sshd, free_port

pytestmark = pytest.mark.containers

TARGET = "198.51.100.2"
"""Nobody can be reached there."""
Start = Callable[..., Sshd]
Case = Callable[[Start], tuple[dict[str, Any], str, str, str]]
"""The host's variables; the stage, the first cause, and words of whoever stopped."""


def by_key(gate: Sshd) -> dict[str, Any]:
    return {
        "ansible_ssh_common_args": f"-J root@127.0.0.1:{gate.port}",
        "sshdoctor_known_hosts": str(gate.known_hosts),
        "ansible_ssh_private_key_file": str(gate.folder / "id"),
    }


def absent(start: Start) -> tuple[dict[str, Any], str, str, str]:
    jump = {"ansible_ssh_common_args": f"-J root@127.0.0.1:{free_port()}"}
    return jump, "jump root@127.0.0.1", "jump-host-unreachable", "refused"


def denied(start: Start) -> tuple[dict[str, Any], str, str, str]:
    gate = start()
    (gate.folder / "authorized_keys").write_text("")
    return by_key(gate), "jump root@127.0.0.1", "jump-host-unreachable", "refused keys: SHA256:"


def forwards_nothing(start: Start) -> tuple[dict[str, Any], str, str, str]:
    gate = start("AllowTcpForwarding no")
    return by_key(gate), "jump root@127.0.0.1", "jump-forbids-forwarding", "prohibited"


def missing(start: Start) -> tuple[dict[str, Any], str, str, str]:
    command = "-o ProxyCommand='/usr/bin/ncat-missing %h %p'"
    return {"ansible_ssh_common_args": command}, "proxy command", "proxy-command-failed", "ncat-missing"


def failing(start: Start) -> tuple[dict[str, Any], str, str, str]:
    command = "-o ProxyCommand='echo the tunnel has no ticket >&2; exit 7'"
    words = "the tunnel has no ticket"
    return {"ansible_ssh_common_args": command}, "proxy command", "proxy-command-failed", words


def diagnosed(folder: Path, *words: str) -> str:
    command = [sys.executable, "-m", "sshdoctor.cli", "diagnose", "web1", "-i", "hosts.json", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False).stdout


@pytest.mark.parametrize("case", [absent, denied, forwards_nothing, missing, failing])
def test_what_stopped_before_the_host_is_named_and_the_host_is_left_alone(
    case: Case,
    start_sshd: Start,  # noqa: F811  # the fixture
    tmp_path: Path,
) -> None:
    variables, stage, cause, words = case(start_sshd)
    hosts = {"web1": {"ansible_host": TARGET, **variables}}
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    (report,) = json.loads(diagnosed(tmp_path, "--format", "json"))["hosts"]
    assert [reply["stage"] for reply in report["outside"]] == [stage]
    assert [one["id"] for one in report["causes"]] == [cause]
    assert words in json.dumps(report["causes"][0])
    text = " ".join(diagnosed(tmp_path).split())
    assert f"at the {stage}" in text and words in text
    ticket = " ".join(diagnosed(tmp_path, "--format", "ticket").split())
    assert f"At the {stage}, before {TARGET} port 22:" in ticket
    assert "Nothing is asked of you here" in ticket or cause == "jump-forbids-forwarding"
    for blame in ("powered on", "no account", "listens on that port", "tcpdump", "journalctl", "nc -vz"):
        assert blame not in ticket
