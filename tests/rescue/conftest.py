"""A real rescue script, and a real capture that it took of this machine."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from sshdoctor import facts
from sshdoctor.diagnosis.setup import Wanted
from sshdoctor.inventory import load_hosts
from sshdoctor.model import Host
from sshdoctor.rescue.script import addresses_asked, rescue_script

NAME = "root@127.0.0.1:1"
OWN = {"mine": "echo of my own"}


@dataclass(frozen=True, slots=True)
class Rescue:
    """The script for one host, and what it wrote when it was run here."""

    host: Host
    script: Path
    lines: str
    plain: bytes


def make_script(folder: Path, host: Host, *, url: str = "", own: dict[str, str] = OWN) -> Path:
    path = folder / "rescue.sh"
    topics = Wanted(facts=facts.names(), own=own)
    path.write_text(rescue_script(host, addresses_asked(host.login, 4), topics, made=time.time(), url=url))
    return path


def run_script(script: Path, shell: Sequence[str], folder: Path, path: str | None = None) -> tuple[str, str]:
    """What the script shows, and the capture that it wrote; ``path`` is $PATH."""
    environment = {"TMPDIR": str(folder), "PATH": path or "/usr/sbin:/usr/bin:/sbin:/bin"}
    done = subprocess.run(
        [*shell, str(script)], capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    captures = list(folder.glob("sshdoctor.*/capture"))
    assert len(captures) == 1, f"{done.stdout}{done.stderr}"
    assert done.stderr == ""
    return done.stdout, captures[0].read_text()


@pytest.fixture(scope="session")
def host() -> Host:
    return load_hosts(NAME, None, {})[0]


@pytest.fixture(scope="session")
def rescue(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Rescue:
    folder = tmp_path_factory.mktemp("rescue")
    script = make_script(folder, host)
    _, lines = run_script(script, ["sh"], folder)
    plain = subprocess.run(["sh", str(script), "--plain"], capture_output=True, timeout=60, check=True)
    return Rescue(host, script, lines, plain.stdout)
