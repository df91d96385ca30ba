"""Ctrl-C: everything ends at once, what is known is printed, and no process is left."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

SILENT = 12


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port on which connections are taken, and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield server.getsockname()[1]


def left_in(group: int) -> list[str]:
    """The processes of a session that still live."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = path.read_text().rpartition(")")
        except OSError:
            continue
        state, _, _, session = rest.split()[:4]
        if int(session) == group and state != "Z":
            found.append(name)
    return found


@pytest.mark.parametrize("whole_group", [False, True], ids=["the process alone", "all that the terminal has"])
def test_an_interrupted_fleet_ends_at_once_and_prints_what_is_known(
    tmp_path: Path, silent_port: int, whole_group: bool
) -> None:
    silent = {
        f"silent{number}": {"ansible_host": "127.0.0.1", "ansible_port": silent_port}
        for number in range(SILENT)
    }
    known = {"refused": {"ansible_host": "127.0.0.1", "ansible_port": 9}}
    (tmp_path / "inventory.yml").write_text(json.dumps({"all": {"hosts": {**known, **silent}}}))
    command = [
        sys.executable,
        "-m",
        "sshdoctor.cli",
        "diagnose",
        "all",
        "--timeout",
        "60",
        "--format",
        "json",
    ]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        assert "refused" in process.stderr.readline()
        time.sleep(0.5)
        began = time.monotonic()
        (os.killpg if whole_group else os.kill)(process.pid, signal.SIGINT)
        said, noted = process.communicate(timeout=20)
        took = time.monotonic() - began
    assert process.returncode == 130
    assert [report["host"] for report in json.loads(said)["hosts"]] == ["refused"]
    assert f"interrupted; {SILENT} hosts are not known" in noted
    assert "Traceback" not in noted
    assert left_in(process.pid) == []
    assert took < 2


INTERRUPTED = """
import os, signal, sys
module = sys.argv[1]
class Interrupt:
    def find_spec(self, name, *_):
        if name == module:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
sys.argv = ["sshdoctor", "diagnose", "--help"]
from sshdoctor.cli import main
main()
"""


@pytest.mark.parametrize("module", ["invoke", "sshdoctor.model", "sshdoctor.cli.watching"])
def test_an_interrupt_while_the_program_is_being_read_ends_it_without_a_word(module: str) -> None:
    command = [sys.executable, "-c", INTERRUPTED, module]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
