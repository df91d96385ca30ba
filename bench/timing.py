"""What all benchmarks share: a whole process timed, and limits that hold or do not."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds of wall time, and the greatest resident size in bytes."""

    seconds: float
    memory: int


def timed(
    command: Sequence[str],
    *,
    folder: Path,
    stdin: Path | None = None,
    environment: Mapping[str, str] | None = None,
    status: int = 0,
) -> Run:
    """Run ``command`` in ``folder``; SystemExit if it does not end with ``status``."""
    said = folder / "stderr"  # a file, no pipe: what stays behind (Ansible's ssh) would hold it open
    with (stdin or Path(os.devnull)).open() as given, said.open("w") as stderr:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, stdin=given, stdout=stderr, stderr=stderr, cwd=folder, env=environment
        )
        _, ended, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(ended)
    if process.returncode != status:
        raise SystemExit(f"{' '.join(command)}: exit {process.returncode}: {said.read_text()}")
    return Run(seconds, usage.ru_maxrss * 1024)


def timed_anew(command: Sequence[str], *, folder: Path, stdin: Path | None = None) -> Run:
    """``timed`` with ``folder`` as home, and no connection of a run before: Ansible keeps one for 60 s.

    Python keeps its compiled modules, as for a user: pip compiles the peers, a first run this project.
    """
    shared = Path(tempfile.mkdtemp(dir=folder))
    quiet = {"ANSIBLE_DEPRECATION_WARNINGS": "false", "ANSIBLE_SSH_CONTROL_PATH_DIR": str(shared)}
    environment = {**os.environ, **quiet, "HOME": str(folder)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    run = timed(command, folder=folder, stdin=stdin, environment=environment)
    for left in shared.iterdir():  # nor may its idle sessions fill the host for those who come next
        leave = ["ssh", "-o", f"ControlPath={left}", "-O", "exit", "nobody"]
        subprocess.run(leave, capture_output=True, check=False)
    return run


def median(runs: Sequence[Run]) -> float:
    """Seconds."""
    return statistics.median(run.seconds for run in runs)


def told(limits: Mapping[str, bool]) -> int:
    """Print whether each limit holds; the exit code."""
    for sentence, holds in limits.items():
        print(f"{'holds ' if holds else 'BROKEN'} {sentence}")
    return 0 if all(limits.values()) else 1
