"""Three hundred hosts, most of them out of reach: the summary, the recap, and Ctrl-C whenever it comes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands.test_interrupt import left_in

HOSTS, SILENT = 300, 20


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An inventory: twenty take a connection and say nothing, one has no address, the rest refuse."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        silent = {"ansible_host": "127.0.0.1", "ansible_port": server.getsockname()[1]}
        hosts = {f"web{number:03}": {"ansible_host": f"127.3.0.{number % 250 + 1}", "ansible_port": 9}
                 for number in range(HOSTS - SILENT - 1)}  # fmt: skip
        hosts |= {f"mute{number:02}": silent for number in range(SILENT)}
        hosts["nameless"] = {"ansible_host": "nowhere.invalid", "ansible_port": 22}
        (tmp_path / "inventory.yml").write_text(json.dumps({"all": {"hosts": hosts}}))
        yield tmp_path


def command(*flags: str) -> list[str]:
    return [sys.executable, "-m", "sshdoctor.cli", "diagnose", "all", "--outside-only", "-f", "32", *flags]


def test_the_report_of_300_hosts_is_by_cause_in_80_columns_with_a_recap(folder: Path) -> None:
    done = subprocess.run(
        command("--timeout", "1"), cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 3
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    recap = lines[lines.index("RECAP") + 1 :]
    names = [line.partition(" ")[0] for line in recap if re.match(r"(?:web|mute|nameless)\d* +:", line)]
    assert len(names) == len({*names}) == HOSTS
    assert recap[-1].startswith(f"{HOSTS} hosts: ")
    told = " ".join(lines)
    assert f"{HOSTS - SILENT - 1} hosts: no cause found, Connection refused (rst): " in told
    assert f"{SILENT} hosts: no cause found, Connected, and then no greeting (no-banner): " in told
    assert "Traceback" not in done.stderr + done.stdout
    assert len(done.stderr.splitlines()) == HOSTS, "a line for each host, for a log"
    assert len(lines) < 5 * HOSTS


HERE = "import os; from sshdoctor.cli import main; os.write(2, b'here\\n'); main()"
"""The program, which says when its own modules are there: before that Python itself ends."""


@pytest.mark.parametrize("after", [0.5, 0.8, 1.5, 3])
def test_an_interrupt_at_any_moment_leaves_no_process(folder: Path, after: float) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HERE, *command("--timeout", "30", "--format", "json")[3:]],
        cwd=folder,
        env={**os.environ, "HOME": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None and process.stderr.readline() == "here\n"
        time.sleep(after)
        began = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        said, noted = process.communicate(timeout=30)
        took = time.monotonic() - began
    assert process.returncode == 130, noted
    assert took < 2
    assert left_in(process.pid) == []
    assert "Traceback" not in noted
    known = json.loads(said)["hosts"] if said else []
    assert len(known) <= HOSTS - SILENT
