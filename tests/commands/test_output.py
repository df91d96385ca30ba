"""What is written where: standard output that cannot be written to, -v, --quiet, --list-hosts, next steps."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

COMMAND = [sys.executable, "-m", "sshdoctor.cli"]


def typed(*words: str, folder: Path, **more: Any) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "HOME": str(folder), **more.pop("env", {})}
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.run(
        [*COMMAND, *words], cwd=folder, text=True, check=False, env=env, **{**streams, **more}
    )


def test_a_full_disk_is_told_in_one_line_and_is_no_diagnosis(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = typed("diagnose", "x@127.0.0.1:9", "--outside-only", folder=tmp_path, stdout=full)
    assert done.returncode == 2
    assert done.stderr == "sshdoctor: the report cannot be written: No space left on device\n"


def test_a_closed_standard_output_is_told_too(tmp_path: Path) -> None:
    shell = f"exec {sys.executable} -m sshdoctor.cli diagnose x@127.0.0.1:9 --outside-only >&-"
    done = subprocess.run(
        ["sh", "-c", shell], cwd=tmp_path, stderr=subprocess.PIPE, text=True, check=False, env=os.environ
    )
    assert done.returncode == 2
    assert done.stderr.startswith("sshdoctor: the report cannot be written")
    assert "Traceback" not in done.stderr


def test_letters_that_the_terminal_has_not_are_refused_with_what_to_do(tmp_path: Path) -> None:
    words = ("diagnose", "x@127.0.0.1:9", "--outside-only", "--format", "ticket")
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = typed(*words, "--lang", "ja", folder=tmp_path, env=ascii_only)
    assert done.returncode == 2
    assert "--output FILE" in done.stderr and "Traceback" not in done.stderr
    assert typed(*words, folder=tmp_path, env=ascii_only).returncode == 3


def test_verbose_tells_each_stage_with_its_time(tmp_path: Path) -> None:
    done = typed("diagnose", "x@127.0.0.1:9", "-v", folder=tmp_path)
    for said in ("dialled 127.0.0.1:9: rst", "way in by ssh: rst", "looked inside by no way", "checks asked"):
        assert said in done.stderr
    assert " ms  " in done.stderr
    assert not typed("diagnose", "x@127.0.0.1:9", folder=tmp_path).stderr


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    hosts = {f"web{number}": {"ansible_host": "127.0.0.1", "ansible_port": 9} for number in (1, 2)}
    path = tmp_path / "other.json"
    path.write_text(json.dumps({"all": {"hosts": hosts}}))
    return path


def test_the_hosts_that_are_meant_are_listed_and_nothing_is_dialled(tmp_path: Path, inventory: Path) -> None:
    done = typed("remediate", "all", "-i", inventory.name, "--list-hosts", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "  hosts (2):\n    web1\n    web2\n")


def test_quiet_shows_no_progress(tmp_path: Path, inventory: Path) -> None:
    done = typed("diagnose", "all", "-i", inventory.name, "-q", "--outside-only", folder=tmp_path)
    assert done.stderr == ""
    assert "2 hosts: no cause found, Connection refused (rst): web1, web2" in done.stdout


def test_what_to_type_next_has_the_inventory_that_was_given(tmp_path: Path, inventory: Path) -> None:
    done = typed("diagnose", "web1", "-i", inventory.name, "--format", "json", folder=tmp_path)
    (host,) = json.loads(done.stdout)["hosts"]
    assert host["next"] == [
        f"sshdoctor diagnose --host web1 --inventory {inventory.name} --deep",
        f"sshdoctor rescue --host web1 --inventory {inventory.name} --output rescue.sh",
        "sh rescue.sh --plain > capture.txt  # as root, at its console",
        f"sshdoctor diagnose --host web1 --inventory {inventory.name} --capture capture.txt",
    ]
    rescued = typed(*host["next"][1].split()[1:], folder=tmp_path)
    assert rescued.returncode == 0
    assert f"--inventory {inventory.name} --capture capture.txt" in rescued.stderr


def test_each_next_step_of_a_host_without_a_way_in_works_as_it_is_pasted(
    tmp_path: Path, inventory: Path
) -> None:
    done = typed("diagnose", "web1", "-i", inventory.name, "--deep", "--format", "json", folder=tmp_path)
    (host,) = json.loads(done.stdout)["hosts"]
    (tmp_path / "sshdoctor").write_text(f'#!/bin/sh\nexec {sys.executable} -m sshdoctor.cli "$@"\n')
    (tmp_path / "sshdoctor").chmod(0o755)
    env = {**os.environ, "HOME": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    for command in host["next"]:
        pasted = subprocess.run(
            ["sh", "-c", command], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )
        assert pasted.returncode != 2, (command, pasted.stderr)
    assert "looked in capture" in pasted.stdout


def test_what_is_no_capture_is_told_by_what_it_is(tmp_path: Path, inventory: Path) -> None:
    asked = ("web1", "-i", inventory.name)
    typed("rescue", *asked, "--output", "rescue.sh", folder=tmp_path)
    done = typed("diagnose", *asked, "--capture", "rescue.sh", folder=tmp_path)
    assert (done.returncode, "it is the rescue script itself" in done.stderr) == (2, True)
    shown = subprocess.run(["sh", "rescue.sh"], cwd=tmp_path, capture_output=True, check=True).stdout
    (tmp_path / "shown.txt").write_bytes(shown)
    kept = re.search(r"/\S+/capture", shown.decode())
    assert kept
    done = typed("diagnose", *asked, "--capture", "shown.txt", folder=tmp_path)
    assert (done.returncode, f"the capture is {kept[0]}, on the host" in done.stderr) == (2, True)
    shutil.rmtree(Path(kept[0]).parent)


def test_a_name_that_has_no_address_is_looked_up_here_and_not_at_a_console(tmp_path: Path) -> None:
    done = typed("diagnose", "me@nowhere.invalid", "--format", "json", folder=tmp_path)
    (host,) = json.loads(done.stdout)["hosts"]
    assert host["next"][0] == "getent ahosts nowhere.invalid"
    assert not [command for command in host["next"] if "rescue" in command]
