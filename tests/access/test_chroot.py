"""A mounted disk as a way in: it is read, never entered; and a hostile one, through the whole command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sshdoctor.access import open_way
from sshdoctor.errors import AccessError
from sshdoctor.model import WayIn


def refused(root: Path | str) -> str:
    with pytest.raises(AccessError) as error:
        open_way(WayIn(connection="chroot", target=str(root)), timeout=1)
    return error.value.word


def test_a_place_where_no_system_is_mounted_is_no_way_in(tmp_path: Path) -> None:
    assert refused(tmp_path) == "not-mounted"
    assert refused(tmp_path / "none") == "not-mounted"


def test_a_disk_whose_programs_are_on_another_file_system_is_not_taken_for_one_without(
    tmp_path: Path,
) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "usr").mkdir()
    assert refused(tmp_path) == "not-mounted"


def test_this_machines_own_root_is_not_taken_for_a_disk_that_does_not_run() -> None:
    assert refused("/") == "unsupported"


def test_a_disk_without_a_shell_runs_nothing_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/true").touch()
    access = open_way(WayIn(connection="chroot", target=str(tmp_path)), timeout=1)
    (tmp_path / "proc").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "dev").mkdir()
    output = access.run("true", timeout=5)
    assert output.status != 0 and "No such file" in output.error


def test_a_hostile_disk_gives_nothing_of_this_machine_away_and_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here/secret").write_text("PermitRootLogin of-this-machine\nPort 4242\n")
    root = tmp_path / "disk"
    for path in ("etc/ssh", "usr/sbin", "etc/pam.d", "var/log", "home/deploy/.ssh", "var/lib/dpkg"):
        (root / path).mkdir(parents=True)
    (root / "etc/ssh/sshd_config").symlink_to(tmp_path / "here/secret")
    (root / "etc/ssh/sshd_config.d").symlink_to(tmp_path / "here")
    (root / "var/log/journal").symlink_to("/var/log/journal")
    (root / "var/log/auth.log").symlink_to("../../../../../../../../../etc/passwd")
    (root / "home/deploy/.ssh/authorized_keys").symlink_to(tmp_path / "here/secret")
    (root / "etc/passwd").write_text("deploy:x:1000:1000::/home/deploy:\x1b]0;owned\x07/bin/sh\n")
    (root / "etc/hosts.deny").symlink_to("hosts.deny")
    (root / "bin").symlink_to("usr/sbin")
    (root / "usr/sbin/nothing").touch()
    for pipe in ("etc/nologin", "etc/shadow", "var/lib/dpkg/status"):
        os.mkfifo(root / pipe)
    report, text = diagnose(root, tmp_path, "json"), diagnose(root, tmp_path, "text")
    assert "of-this-machine" not in report + text
    assert "4242" not in report + text
    assert "\x1b" not in report + text
    (host,) = json.loads(report)["hosts"]
    assert host["access"]["via"] == "chroot"
    assert all(cause["confidence"] != "proved" for cause in host["causes"])


def diagnose(root: Path, folder: Path, form: str) -> str:
    inventory = folder / "inventory.yml"
    web1 = {
        "ansible_host": "127.0.0.9",
        "ansible_user": "deploy",
        "ansible_port": 9,
        "sshdoctor_access": [{"connection": "chroot", "root": str(root)}],
    }
    inventory.write_text(json.dumps({"all": {"hosts": {"web1": web1}}}))
    command = [sys.executable, "-m", "sshdoctor.cli", "diagnose", "--host", "web1", "--format", form]
    done = subprocess.run(
        [*command, "--inventory", str(inventory), "--timeout", "1"],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.stdout
