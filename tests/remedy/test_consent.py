"""Consent is asked on a real terminal, playbook by playbook; nothing is agreed to by silence."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from sshdoctor.documents.resources import shipped
from sshdoctor.model import Cause
from sshdoctor.remedy.consent import Answer, chosen
from sshdoctor.remedy.plan import Step, plan
from sshdoctor.remedy.playbook.catalog import catalog

STEPS = plan(
    [
        Cause(id=ident, role="root", confidence="proved", layer=layer, summary="It is so.")
        for ident, layer in (("firewall-drops", "firewall"), ("sshd-stopped", "daemon"))
    ],
    catalog([shipped("playbooks")]),
    (),
).steps


@pytest.mark.parametrize(
    ("answers", "agreed"),
    [
        (["yes", "yes"], ["open-firewall", "start-sshd"]),
        (["no", "yes"], ["start-sshd"]),
        (["all"], ["open-firewall", "start-sshd"]),
        (["no", "no"], []),
        (["yes", "quit"], []),
    ],
)
def test_each_playbook_is_agreed_to_by_itself(answers: list[Answer], agreed: list[str]) -> None:
    waiting = iter(answers)
    steps: tuple[Step, ...] = chosen(STEPS, lambda step: next(waiting))
    assert [step.playbook.id for step in steps] == agreed


ASK = """
from sshdoctor.remedy.consent import ask_on_terminal
from remedy.test_consent import STEPS
print("answer", ask_on_terminal(STEPS[0], lambda step: "the diff\\n"))
"""


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (b"y\n", ["answer yes"]),
        (b"what?\nd\nno\n", ["the diff", "answer no"]),
        (b"\x04", ["answer quit"]),
        (b"A\n", ["answer all"]),
    ],
)
def test_a_person_answers_at_a_terminal(typed: bytes, told: list[str]) -> None:
    ours, theirs = pty.openpty()
    os.write(ours, typed)
    run = subprocess.run(
        [sys.executable, "-c", ASK],
        stdin=theirs,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    os.close(ours)
    os.close(theirs)
    said = run.stderr + run.stdout
    assert "Apply open-firewall? [y]es, [n]o, [a]ll, [q]uit, show [d]iff: " in said
    for text in told:
        assert text in said
