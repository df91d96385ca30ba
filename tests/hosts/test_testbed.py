"""The test bed itself: it tells right from wrong, and it leaves nothing behind."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hosts import engine, openssh
from hosts.scenario import Expectation, load_scenarios
from hosts.testbed import Testbed

STOPPED = Expectation(reply="rst", cause="sshd-stopped", confidence="proved", exit=1, verdict="blocked")
HEALTHY = Expectation(reply="ok", exit=0, verdict="healthy")


def report(*causes: tuple[str, str], reply: str = "rst", verdict: str = "blocked") -> dict[str, Any]:
    return {
        "verdict": verdict,
        "access": {"privileged": True},
        "outside": [{"family": "ipv4", "reply": reply}],
        "causes": [{"id": id_, "role": role, "confidence": "proved"} for id_, role in causes],
    }


def test_a_report_that_says_what_was_broken_has_no_faults() -> None:
    assert STOPPED.faults(report(("sshd-stopped", "root")), 1) == []


def test_another_cause_beside_the_right_one_is_a_fault() -> None:
    assert STOPPED.faults(report(("sshd-stopped", "root"), ("sshd-masked", "root")), 1)
    assert STOPPED.faults(report(("sshd-stopped", "root"), ("firewall-drops", "behind")), 1)


@pytest.mark.parametrize("role", ["root", "behind", "latent"])
def test_any_cause_found_on_a_healthy_host_is_a_fault(role: str) -> None:
    assert HEALTHY.faults(report(("sshd-disabled", role), reply="ok", verdict="healthy"), 0)


def test_a_healthy_host_that_was_not_looked_into_as_root_is_a_fault() -> None:
    right = report(reply="ok", verdict="healthy")
    assert HEALTHY.faults(right, 0) == []
    assert HEALTHY.faults({**right, "access": {"privileged": False}}, 0)


def test_a_wrong_reply_verdict_or_exit_code_is_a_fault() -> None:
    right = report(("sshd-stopped", "root"))
    assert STOPPED.faults({**right, "verdict": "healthy"}, 1)
    assert STOPPED.faults(right, 0)
    assert STOPPED.faults(report(("sshd-stopped", "root"), reply="silence"), 1)


def test_every_expected_reply_is_one_that_openssh_can_witness() -> None:
    for scenario in load_scenarios():
        reply = scenario.expect.reply
        words = {reply} if isinstance(reply, str) else {*reply.values()}
        assert words <= openssh.SAYS.keys(), scenario.name


@pytest.mark.containers
def test_a_host_is_reached_at_an_address_that_an_earlier_one_had(testbed: Testbed) -> None:
    with testbed.host("noinit", place=0) as host:
        route = subprocess.run(["ip", "route", "get", host.address4], capture_output=True, check=True)
        _, _, bridge, *_ = route.stdout.decode().split()
        earlier = ("lladdr", "02:5d:0c:ff:ff:ff", "nud", "reachable")
        subprocess.run(["ip", "neigh", "replace", host.address4, "dev", bridge, *earlier], check=True)
    with testbed.host("noinit", place=0) as host:
        socket.create_connection((host.address4, 22), timeout=2).close()


@pytest.mark.containers
def test_what_a_killed_run_left_is_removed_by_the_next(testbed: Testbed, tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from hosts.testbed import open_testbed\n"
        "with open_testbed(Path(sys.argv[1])) as bed, bed.host('noinit'):\n"
        "    print(bed.label, flush=True); time.sleep(60)\n"
    )
    tests = str(Path(__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, "-c", script, tmp_path], cwd=tests, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout
        label = run.stdout.readline().strip()
        run.send_signal(signal.SIGKILL)
    left = ("ps", "--all", "--quiet", "--filter", f"label={engine.RUN_LABEL}={label}")
    assert len(engine.podman(*left).split()) == 2
    engine.remove_dead_runs()
    assert engine.podman(*left) == ""
    assert engine.run_label() in engine.podman("network", "ls", "--format", "{{.Labels}}")
