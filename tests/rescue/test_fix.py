"""The text of a plan for a console: in every shell, pasteable, and nothing in it for shellcheck to say."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from rescue.test_script import inner
from sshdoctor.documents.resources import shipped
from sshdoctor.model import AccessUsed, HostReport, Login
from sshdoctor.remedy.plan import Step
from sshdoctor.remedy.playbook.load import load_playbooks
from sshdoctor.reports.repair_text import login_command, plan_text
from sshdoctor.rescue.fix import fix_script
from sshdoctor.rescue.script import LONGEST_LINE, longest_line

REPORT = HostReport(
    host="web1; reboot",
    service="ssh",
    login=Login(address="192.0.2.1", user="$(reboot)", port=2222),
    verdict="blocked",
    outside=(),
    access=AccessUsed(via=None),
    prediction=None,
    causes=(),
    checks=(),
)


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plan of several playbooks, for a host with a name that no shell may read."""
    named = {playbook.id: playbook for playbook in load_playbooks([shipped("playbooks")])}
    steps = [Step(named[name], ("a-cause",)) for name in ("start-sshd", "restore-key-permissions")]
    plan = plan_text(REPORT, [step.shown for step in steps], "an SSH server answers there.")
    path = tmp_path_factory.mktemp("fix") / "fix.sh"
    path.write_text(fix_script(REPORT, steps, plan, login_command(REPORT.login), 60))
    return path


@pytest.mark.parametrize("shell", ["sh", "bash", "busybox sh"])
def test_every_shell_can_read_it(shell: str, script: Path) -> None:
    subprocess.run([*shell.split(), "-n", str(script)], check=True)


def test_shellcheck_has_nothing_to_say_about_it(script: Path, tmp_path: Path) -> None:
    body = tmp_path / "inner.sh"
    body.write_text("#!/bin/sh\n" + inner(script))
    done = subprocess.run(
        ["shellcheck", "--shell=sh", script, body], capture_output=True, text=True, check=False
    )
    assert done.stdout == ""


def test_it_can_be_pasted(script: Path) -> None:
    text = script.read_text()
    assert not re.search(r"[^\n -~]", text)
    assert longest_line(text) <= LONGEST_LINE


def test_what_is_to_be_typed_is_quoted(script: Path) -> None:
    assert "ssh -p 2222 '$(reboot)@192.0.2.1'" in inner(script).replace("'\"'\"'", "'")
