"""What goes wrong with a scheduler and its workers: told, and nothing else is the worse for it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from access.servers import free_port
from scheduler.bed import Bed, Program, bed

pytestmark = [pytest.mark.containers, pytest.mark.xdist_group("scheduler")]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Bed]:
    with bed(tmp_path) as opened:
        yield opened


@pytest.fixture
def silent() -> Iterator[int]:
    """A port on which connections are taken, and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield server.getsockname()[1]


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "sshdoctor.cli", "diagnose", *words]


def typed(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words), cwd=folder, capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, **more},
    )  # fmt: skip


def started(folder: Path, bed: Bed, ports: dict[str, int], *flags: str) -> subprocess.Popen[str]:
    """A diagnosis of these hosts of this machine, under way."""
    hosts = {name: {"ansible_host": "127.0.0.1", "ansible_port": port} for name, port in ports.items()}
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    words = command("all", "-i", "hosts.json", "--scheduler", bed.address, "--format", "json", *flags)
    return subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[dict[str, Any], str]:
    """Its reports by host, and what it said."""
    said, noted = process.communicate(timeout=60)
    return {report["host"]: report for report in json.loads(said)["hosts"]}, noted


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    return process.stderr.readline()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("tcp://127.0.0.1:{free}", "no Dask scheduler answers there"),
        ("tcp://scheduler.invalid:8786", "no Dask scheduler answers there"),
        ("carrier-pigeon://x", "no Dask scheduler answers there"),
    ],
)
def test_a_scheduler_that_does_not_answer_is_bad_input(address: str, said: str, tmp_path: Path) -> None:
    began = time.monotonic()
    done = typed(tmp_path, "me@127.0.0.1:9", "--scheduler", address.format(free=free_port()))
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr and "`dask scheduler` starts one" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert time.monotonic() - began < 20


def test_without_the_extra_it_is_said_how_to_install_it(tmp_path: Path) -> None:
    (tmp_path / "dask.py").write_text("raise ImportError('as where it is not installed')\n")
    more = {"PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    done = typed(tmp_path, "me@127.0.0.1:9", "--scheduler", "tcp://127.0.0.1:9", **more)
    assert done.returncode == 2
    assert done.stderr == "sshdoctor: --scheduler needs Dask: pip install 'sshdoctor[dask]'\n"


def test_places_need_a_scheduler_and_a_capture_none(tmp_path: Path) -> None:
    done = typed(tmp_path, "me@127.0.0.1:9", "--all-places")
    assert (done.returncode, "--scheduler" in done.stderr) == (2, True)


def test_workers_that_cannot_do_it_are_named(made: Bed, tmp_path: Path) -> None:
    at = ("me@127.0.0.1:9", "--scheduler", made.address)
    done = typed(tmp_path, *at)
    assert (done.returncode, "it has no worker; start some: dask worker tcp://" in done.stderr) == (2, True)
    other = tmp_path / "of another version" / "sshdoctor"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("__version__ = '0.0.1'\n")
    made.work("old", PYTHONPATH=str(other.parent))
    done = typed(tmp_path, *at)
    assert (done.returncode, "has not this sshdoctor" in done.stderr) == (2, True), done.stderr


def test_this_machines_own_shell_is_not_a_workers(made: Bed, tmp_path: Path) -> None:
    made.work("one")
    done = typed(tmp_path, "localhost", "--scheduler", made.address)
    assert (done.returncode, "localhost is entered on this machine alone (local)" in done.stderr) == (2, True)


def test_a_host_whose_worker_died_is_undecided_and_no_other(made: Bed, tmp_path: Path, silent: int) -> None:
    worker = made.work("one")
    process = started(tmp_path, made, {"refused": free_port(), "silent": silent}, "--timeout", "30")
    assert "refused" in first_line(process)
    worker.kill()
    reports, _ = ended(process)
    assert process.returncode == 3
    assert reports["silent"]["verdict"] == "undecided"
    assert reports["silent"]["notes"] == ["internal error: the worker that examined it was ended"]
    assert reports["refused"]["outside"][0]["reply"] == "rst"


def test_another_worker_takes_over(made: Bed, tmp_path: Path, silent: int) -> None:
    first = made.work("one")
    process = started(tmp_path, made, {"refused": free_port(), "silent": silent}, "--timeout", "8")
    assert "refused" in first_line(process)
    made.work("two")
    first.kill()
    reports, _ = ended(process)
    assert reports["silent"]["outside"][0]["reply"] == "no-banner"


def test_a_scheduler_that_dies_ends_it(made: Bed, tmp_path: Path, silent: int) -> None:
    made.work("one")
    process = started(tmp_path, made, {"refused": free_port(), "silent": silent}, "--timeout", "60")
    assert "refused" in first_line(process)
    made.scheduler.kill()
    reports, noted = ended(process)
    assert reports["silent"]["notes"] == ["internal error: the worker that examined it was ended"]
    assert "Traceback" not in noted


def test_an_interrupt_ends_it_and_says_what_still_runs(made: Bed, tmp_path: Path, silent: int) -> None:
    made.work("one")
    process = started(tmp_path, made, {"refused": free_port(), "silent": silent}, "--timeout", "20")
    assert "refused" in first_line(process)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    reports, noted = ended(process)
    assert time.monotonic() - began < 2.5
    assert process.returncode == 130
    assert [*reports] == ["refused"]
    assert "1 host is not known; the scheduler's workers end what they have begun" in noted
    assert "Traceback" not in noted
    assert isinstance(made.scheduler, Program) and made.scheduler.process.poll() is None
