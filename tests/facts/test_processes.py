"""Whose processes are counted: on this machine, with programs that bear sshd's name."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sshdoctor.facts.probe import build_script, split_output
from sshdoctor.facts.ssh import processes
from sshdoctor.facts.ssh.processes import Processes

MARK = "fedc9876" * 4


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Path]:
    """A program that is called sshd and only sleeps."""
    sleep = shutil.which("sleep")
    assert sleep
    yield Path(shutil.copy(sleep, tmp_path / "sshd"))


def pids_seen() -> list[int]:
    script = build_script(processes.COMMANDS, {}, MARK)
    done = subprocess.run(["sh", "-s"], input=script.encode(), capture_output=True, timeout=30, check=True)
    seen = processes.parse(split_output(done.stdout, MARK, tuple(processes.COMMANDS)))
    assert isinstance(seen, Processes)
    return [daemon.pid for daemon in seen.daemons]


@pytest.mark.parametrize(("run", "counted"), [(MARK, False), ("another", True)])
def test_an_sshd_that_the_probe_itself_runs_is_no_daemon(sshd: Path, run: str, counted: bool) -> None:
    with subprocess.Popen([sshd, "60"], env={**os.environ, "SSHDOCTOR_RUN": run}) as process:
        try:
            assert (process.pid in pids_seen()) is counted
        finally:
            process.kill()
