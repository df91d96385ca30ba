"""Whose processes are counted: on this machine, with programs that bear sshd's name."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from sshdoctor.facts.probe import build_script, run_word, split_output
from sshdoctor.facts.ssh import processes
from sshdoctor.facts.ssh.processes import Processes

MARK = "fedc9876" * 4


@pytest.fixture
def sshd() -> Iterator[Path]:
    """A program that is called sshd and only sleeps; anybody may run it."""
    sleep = shutil.which("sleep")
    assert sleep
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(shutil.copy(sleep, Path(folder) / "sshd"))


def pids_seen() -> list[int]:
    script = build_script(processes.COMMANDS, {}, MARK, processes.ONCE)
    done = subprocess.run(["sh", "-s"], input=script.encode(), capture_output=True, timeout=30, check=True)
    seen = processes.parse(split_output(done.stdout, MARK, tuple(processes.COMMANDS)))
    assert isinstance(seen, Processes)
    return [daemon.pid for daemon in seen.daemons]


@pytest.mark.parametrize(("run", "counted"), [(run_word(MARK), False), ("another", True)])
def test_an_sshd_that_the_probe_itself_runs_is_no_daemon(sshd: Path, run: str, counted: bool) -> None:
    with subprocess.Popen([sshd, "60"], env={**os.environ, "SSHDOCTOR_RUN": run}) as process:
        try:
            assert (process.pid in pids_seen()) is counted
        finally:
            process.kill()


def test_a_process_that_root_does_not_run_is_none(sshd: Path) -> None:
    with subprocess.Popen([sshd, "60"], user=65534, cwd="/") as process:
        try:
            assert process.pid not in pids_seen()
        finally:
            process.kill()


@pytest.mark.parametrize("mode", [0o775, 0o757])
def test_a_program_in_a_folder_that_others_can_write_is_none(sshd: Path, mode: int) -> None:
    sshd.parent.chmod(mode)
    with subprocess.Popen([sshd, "60"]) as process:
        try:
            assert process.pid not in pids_seen()
        finally:
            process.kill()
