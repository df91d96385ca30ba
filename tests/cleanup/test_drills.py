"""A clean-up that dies at any boundary is put back by the host itself: every file and time, and the queue."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drills.drilled import PAUSING_SH
from sshdoctor.commands.demo.frozen import frozen_host, state
from sshdoctor.commands.demo.host import run_command
from sshdoctor.model import Host

pytestmark = pytest.mark.containers
TASKS = 9
"""Freeze, hold, the unit, its program, the line, the page, end, watch, the sites."""
BOUNDARIES = (*range(TASKS + 1), "proof", "confirmation")
GUARD, PATIENCE = 8, 150
# Cron's line is not of each minute here: nobody waits for it.
_PREPARE = """
crontab -l | sed 's,^\\* ,*/7 ,' | crontab -
mkdir -m 700 /srv/drill
"""
_REST = (
    "ls /var/lib/sshdoctor/*/armed /var/lib/sshdoctor/*/opened /var/lib/sshdoctor/*/*ing 2>/dev/null | wc -l"
)
# The script that applies it, by its number in the state.
_KILL = "for file in /var/lib/sshdoctor/*/armed; do kill -9 $(cut -d ' ' -f 1 ${file%armed}pid); done"


def shell(host: Host, script: str) -> str:
    return run_command("podman", "exec", host.ways[0].target, "bash", "-c", script)


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with frozen_host() as made:
        run_command("podman", "cp", str(PAUSING_SH), f"{made.ways[0].target}:/usr/local/bin/sh")
        shell(made, _PREPARE)
        yield made


def stopped_at(host: Host, boundary: int | str, folder: Path) -> subprocess.Popen[str]:
    """The real command, whose remedy stands at the boundary."""
    shell(host, f"rm -rf /srv/drill/*; echo {boundary} >/srv/drill/at")
    inventory = folder / "inventory.yml"
    variables = f"{{ansible_connection: podman, ansible_host: {host.ways[0].target}}}"
    inventory.write_text(f"all:\n  hosts:\n    web1: {variables}\n")
    command = ["remediate", "web1", "-i", str(inventory), "--cause", "account-misused", "--yes"]
    process = subprocess.Popen(
        [sys.executable, "-m", "sshdoctor.cli", *command, "--guard", str(GUARD)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    ends = time.monotonic() + PATIENCE
    while shell(host, "ls /srv/drill | grep -c reached || true") != "1":
        assert process.poll() is None and time.monotonic() < ends, process.communicate()[0]
        time.sleep(0.2)
    return process


def our_command_dies(host: Host, process: subprocess.Popen[str]) -> None:
    process.kill()
    shell(host, "touch /srv/drill/go")


def the_script_on_the_host_dies(host: Host, process: subprocess.Popen[str]) -> None:
    shell(host, f"{_KILL}; touch /srv/drill/go")


DRILLS = [
    pytest.param(dies, boundary, marks=[] if (boundary, dies) == (5, our_command_dies) else pytest.mark.long)
    for dies in (our_command_dies, the_script_on_the_host_dies)
    for boundary in BOUNDARIES
    if dies is our_command_dies or isinstance(boundary, int)
]


@pytest.mark.parametrize(("dies", "boundary"), DRILLS)
def test_what_is_left_half_way_is_put_back(
    host: Host, dies: Callable[[Host, subprocess.Popen[str]], None], boundary: int | str, tmp_path: Path
) -> None:
    before = state(host)
    process = stopped_at(host, boundary, tmp_path)
    try:
        dies(host, process)
        ends = time.monotonic() + PATIENCE
        while shell(host, _REST) != "0" and time.monotonic() < ends:
            time.sleep(0.5)
    finally:
        process.kill()
        process.communicate()
    if boundary == "confirmation" and "confirmed" in shell(host, "ls /var/lib/sshdoctor/*/"):
        shell(host, "sh $(ls -d /var/lib/sshdoctor/*/ | tail -n 1)guard.sh undo")  # it was proved
    assert state(host).splitlines() == before.splitlines()
    assert "S" in shell(host, "sleep 6; ps -C syncd -o stat=")[:1]
