"""A watch whose witnesses are the workers of a scheduler, in networks of their own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from scheduler.bed import HERE, PLACES, TARGET, Bed, Network, bed, network

pytestmark = [pytest.mark.containers, pytest.mark.xdist_group("scheduler")]
EVERYBODY = "iptables -A INPUT -p tcp --dport 22 -j REJECT --reject-with tcp-reset"


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Network]:
    with network(tmp_path) as made:
        yield made


@pytest.fixture
def made(tmp_path: Path, net: Network) -> Iterator[Bed]:
    with bed(tmp_path, HERE) as opened:
        for name, address in PLACES.items():
            opened.work(name, net.spaces[name], address)
        yield opened


def watched(folder: Path, scheduler: str) -> tuple[int, list[Mapping[str, Any]], str]:
    hosts = {"web1": {"ansible_host": TARGET}}
    (folder / "watch.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    words = ["watch", "--once", "--host=web1", "--inventory=watch.json", "--outside-only", "--format=jsonl"]
    done = subprocess.run(
        [sys.executable, "-m", "sshdoctor.cli", *words, f"--scheduler={scheduler}"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_what_both_workers_see_down_is_down(net: Network, made: Bed, tmp_path: Path) -> None:
    net.space("target", EVERYBODY)
    code, lines, said = watched(tmp_path, made.address)
    assert (code, [line["state"] for line in lines]) == (1, ["suspected", "down"]), said
    assert {one["from"]: one["word"] for one in lines[-1]["witnesses"]} == dict.fromkeys(
        ("here", *PLACES), "rst"
    )
    assert "witnesses are set up" not in said


def test_what_one_worker_sees_up_is_up(net: Network, made: Bed, tmp_path: Path) -> None:
    for refused in (HERE, PLACES["net-a"]):
        net.space("target", EVERYBODY.replace("-p tcp", f"-s {refused} -p tcp"))
    code, lines, _ = watched(tmp_path, made.address)
    assert (code, [line["state"] for line in lines]) == (0, ["suspected", "up"])
    assert "net-a: rst" in lines[-1]["note"]


def test_a_worker_that_is_gone_has_no_vote(net: Network, made: Bed, tmp_path: Path) -> None:
    net.space("target", EVERYBODY)
    made.workers["net-b"].process.send_signal(signal.SIGSTOP)  # it is there, and does nothing
    code, lines, said = watched(tmp_path, made.address)
    assert "does not answer" in said
    assert (code, [line["state"] for line in lines]) == (3, ["suspected", "unknown"])


def test_a_worker_on_this_machine_is_no_witness(net: Network, made: Bed, tmp_path: Path) -> None:
    made.work("desk", host=HERE)
    made.workers["net-b"].kill()
    net.space("target", EVERYBODY)
    code, lines, said = watched(tmp_path, made.address)
    assert "the worker desk is on this machine: no witness" in said
    assert "fewer than two witnesses" in said
    assert (code, [line["state"] for line in lines]) == (3, ["suspected", "unknown"])
