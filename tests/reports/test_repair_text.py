"""A plan and a repair fit a terminal of 80 columns, and say no more than a person needs."""

from __future__ import annotations

from sshdoctor.model import Planned, Repair, Reply, TaskResult
from sshdoctor.reports.repair_text import plan_text, repair_lines

from .cases import cause, seen_inside

BEFORE = Reply(address="192.0.2.7", family="ipv4", port=22, word="silence")
AFTER = Reply(address="192.0.2.7", family="ipv4", port=22, word="ok")


def task(name: str, **more: str) -> TaskResult:
    return TaskResult(playbook="start-sshd", name=name, **more)  # type: ignore[arg-type]  # the status is a word


def test_a_repair_tells_what_was_done_and_the_replies_before_and_after() -> None:
    repair = Repair(
        outcome="proved",
        tasks=(
            task("Look which rules ufw has", status="skipped"),
            task("Prove that the configuration parses", status="ok"),
            task("Say what does not last", status="ok", message="It is gone after a reboot."),
            task("Start the unit", status="changed", diff="--- ssh\n+++ ssh\n-inactive\n+started\n"),
        ),
        replies_before=(BEFORE,),
        replies_after=(AFTER,),
        run="20260101-000000-abc",
    )
    assert list(repair_lines(repair)) == [
        "  Repaired, and proved by a new connection.",
        "    ok:          Say what does not last",
        "                 It is gone after a reboot.",
        "    changed:     Start the unit",
        "      --- ssh",
        "      +++ ssh",
        "      -inactive",
        "      +started",
        "  before: 192.0.2.7 Connection timed out (silence)",
        "  after:  192.0.2.7 The login works (ok)",
        "  kept on the host as 20260101-000000-abc; `undo` puts it back",
    ]


def test_a_plan_lists_changes_risk_and_what_a_client_meets_then() -> None:
    step = Planned(
        playbook="start-sshd",
        title="Start the SSH daemon",
        mends=("sshd-stopped",),
        risk="low",
        guarded=True,
        changes=("Start the unit \x1b[2J",),
    )
    text = plan_text(seen_inside(cause()), [step], "an SSH server answers there.")
    assert text.splitlines()[1:] == [
        "  1. start-sshd: Start the SSH daemon",
        "     mends sshd-stopped; risk low; undoes itself unless a new connection",
        "       confirms it",
        "     - Start the unit \\x1b[2J",
        "  Then: an SSH server answers there.",
    ]
    assert max(map(len, text.splitlines())) < 80
