"""This machine itself, and what it costs to load the ways in."""

from __future__ import annotations

import getpass
import subprocess
import sys
from pathlib import Path

import pytest

from sshdoctor.access import open_way
from sshdoctor.model import Become, WayIn


def test_whoever_runs_this_needs_no_sudo_to_be_themselves() -> None:
    access = open_way(WayIn(connection="local", become=Become(user=getpass.getuser())), timeout=5)
    assert access.privileges == ""
    assert access.run("id -un", timeout=5).stdout.decode().strip() == getpass.getuser()


def test_a_machine_without_sudo_says_so_and_runs_scripts_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sh").symlink_to("/bin/sh")
    monkeypatch.setenv("PATH", str(tmp_path))
    access = open_way(WayIn(connection="local", become=Become(user="somebody-else")), timeout=5)
    assert access.privileges == "sudo is not installed"
    assert access.run("echo hello", timeout=5).stdout == b"hello\n"


def test_a_way_in_without_ssh_does_not_load_ssh() -> None:
    script = """
import sys
from sshdoctor.access import open_way
from sshdoctor.model import WayIn
open_way(WayIn(connection="local"), timeout=5).run("true", timeout=5)
assert not {"paramiko", "fabric", "invoke"} & set(sys.modules)
"""
    subprocess.run((sys.executable, "-c", script), check=True)
