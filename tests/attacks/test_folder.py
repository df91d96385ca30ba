"""The folder that somebody stands in, and the files in it that others can write."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest

from attacks.harness import Done, Scene, run

pytestmark = pytest.mark.containers
RAN = "/tmp/ran"  # noqa: S108  # on the host
CHECK = f"""\
title: It is theirs
run: touch {RAN}; false
causes: [{{id: theirs, when: run.status != 0, say: "theirs", latent: true}}]
otherwise: o
"""
PLAYBOOK = """\
- name: Theirs
  hosts: all
  gather_facts: false
  become: true
  vars: {remedy: {mends: [sshd-stopped], risk: low}}
  tasks:
    - name: Run it
      ansible.builtin.command: {argv: [touch, /tmp/ran]}
"""


def lay(folder: Path) -> Path:
    """Checks and playbooks in a folder."""
    for name, text in (
        ("sshdoctor_checks/daemon/theirs.yml", CHECK),
        ("sshdoctor_playbooks/theirs.yml", PLAYBOOK),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def asked(scene: Scene, folder: Path, task: str, *flags: str, **settings: str) -> Done:
    """A task typed in ``folder``, with the admin's inventory named by the environment alone."""
    scene.admin.command(task)  # writes the inventory
    command = [sys.executable, "-m", "sshdoctor.cli", task, "--host", "web1", "--timeout", "4", *flags]
    return run(command, cwd=folder, env={**os.environ, **settings})


def ran(scene: Scene) -> bool:
    return scene.host.run("ls /tmp/ran 2>/dev/null || true") != ""


def test_checks_of_a_folder_that_one_stands_in_are_not_run(systemd: Scene, tmp_path: Path) -> None:
    inventory = str(systemd.admin.folder / "inventory.yml")
    here = lay(tmp_path / "here")
    done = asked(systemd, here, "diagnose", SSHDOCTOR_INVENTORY=inventory)
    assert "theirs" not in done.stdout
    systemd.host.run("systemctl stop ssh")
    asked(systemd, here, "remediate", "--yes", "--cause", "theirs", SSHDOCTOR_INVENTORY=inventory)
    asked(systemd, here, "playbook", "theirs", "--yes", SSHDOCTOR_INVENTORY=inventory)
    assert not ran(systemd)


def test_without_an_inventory_they_are_not_run_on_this_machine(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    here = lay(tmp_path / "here")
    check = here / "sshdoctor_checks" / "daemon" / "theirs.yml"
    check.write_text(CHECK.replace(RAN, str(mark)))
    env = {name: value for name, value in os.environ.items() if "INVENTORY" not in name}
    run([sys.executable, "-m", "sshdoctor.cli", "diagnose", "--host", "localhost"], cwd=here, env=env)
    assert not mark.exists()


@pytest.mark.parametrize("writable", ["sshdoctor_checks", "sshdoctor_checks/daemon/theirs.yml", "."])
def test_what_others_can_write_is_refused(systemd: Scene, writable: str) -> None:
    here = lay(systemd.admin.folder)
    (here / writable).chmod(0o777 if (here / writable).is_dir() else 0o666)
    done = systemd.admin.types("diagnose")
    assert (done.code, done.stdout) == (2, "")
    assert "others" in done.stderr and str(here) in done.stderr
    assert not ran(systemd)


def unwrapped(text: str) -> str:
    return re.sub(r"\n *", "", text)


def test_whose_checks_and_playbooks_were_used_is_said(systemd: Scene) -> None:
    here = lay(systemd.admin.folder)
    done = systemd.admin.types("diagnose")
    assert str(here / "sshdoctor_checks" / "daemon" / "theirs.yml") in unwrapped(done.stdout)
    assert json.dumps(str(here))[1:-1] in systemd.admin.asks("diagnose").stdout
    plan = systemd.admin.types("playbook", "theirs", "--yes")
    assert str(here / "sshdoctor_playbooks" / "theirs.yml") in unwrapped(plan.stdout + plan.stderr)
