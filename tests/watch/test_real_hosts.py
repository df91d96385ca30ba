"""A real host goes down and comes back: real witnesses see it, and one message carries the cause."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hosts.testbed import Testbed, TestHost
from watch.sinks import http

pytestmark = pytest.mark.containers


def inventory(folder: Path, testbed: Testbed, target: TestHost, witness: TestHost, port: int) -> Path:
    """Two names for one witness: the rules count names, the network is the same."""
    known = folder / "known_hosts"
    known.write_text(
        "".join(
            f"{host.address4} {line}\n" for host in (target, witness) for line in host.host_keys.splitlines()
        )
    )
    far = {"ansible_host": witness.address4, "sshdoctor_vantage": True}
    web = {
        "ansible_host": target.address4,
        "sshdoctor_access": [{"connection": "podman", "container": target.container}],
        "sshdoctor_notify": [f"json://127.0.0.1:{port}/"],
    }
    every = {
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(testbed.key),
        "sshdoctor_known_hosts": str(known),
    }
    file = folder / "inventory.yml"
    file.write_text(json.dumps({"all": {"vars": every, "hosts": {"web1": web, "far1": far, "far2": far}}}))
    return file


def wait_for(what: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.2)


def test_a_stopped_daemon_is_told_once_with_its_cause_and_then_that_it_is_back(
    testbed: Testbed, tmp_path: Path
) -> None:
    with testbed.host() as target, testbed.host() as witness, http([200]) as (port, bodies):
        file = inventory(tmp_path, testbed, target, witness, port)
        lines = tmp_path / "lines"
        command = [sys.executable, "-m", "sshdoctor.cli", "watch", "-i", str(file), "--host", "web1"]
        more = ["--every", "3", "--state", str(tmp_path / "w.db"), "--format", "jsonl"]
        with lines.open("w") as output:
            watching = subprocess.Popen([*command, *more], stdout=output, env=os.environ)
            try:
                wait_for(lambda: '"up"' in lines.read_text())
                target.run("systemctl stop ssh.socket ssh.service 2>/dev/null || systemctl stop ssh.service")
                wait_for(lambda: len(bodies) == 1)
                target.run("systemctl start ssh.service")
                wait_for(lambda: len(bodies) == 2)
            finally:
                watching.send_signal(signal.SIGTERM)
                assert watching.wait(30) == 0
    down, back = (json.loads(body) for body in bodies)
    assert down["title"] == "DOWN: web1 (rst)"
    assert "sshd-stopped" in down["message"] and "Next: sshdoctor remediate" in down["message"]
    assert back["title"] == "Back: web1"
    changes = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [change["state"] for change in changes] == ["up", "suspected", "down", "up"]
    assert changes[2]["cause"]["id"] == "sshd-stopped"
    assert {"from": "far2", "word": "rst"} in changes[2]["witnesses"]
