"""Ansible itself takes every playbook for one, and finds nothing to mend in it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from remedy.twins import BIN, environment
from sshdoctor.documents.resources import shipped

PLAYBOOKS = sorted(map(str, shipped("playbooks").rglob("*.yml")))


def test_ansible_accepts_the_syntax_of_every_playbook(tmp_path: Path) -> None:
    said = _run(tmp_path, "ansible-playbook", "--syntax-check", "-i", "localhost,", *PLAYBOOKS)
    assert said.count("playbook: ") == len(PLAYBOOKS) > 0


def test_ansible_lint_is_content_with_every_playbook(tmp_path: Path) -> None:
    said = _run(tmp_path, "ansible-lint", "--nocolor", *PLAYBOOKS)
    assert f"in {len(PLAYBOOKS)} files processed" in said


def _run(home: Path, tool: str, *arguments: str) -> str:
    root = Path(__file__).parents[2]  # .ansible-lint is there
    command = [str(BIN / tool), *arguments]
    done = subprocess.run(
        command, cwd=root, env=environment(home), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
