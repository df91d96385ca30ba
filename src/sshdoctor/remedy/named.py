"""Playbooks run by name: what a person asks for, whatever the causes are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from sshdoctor.diagnosis.pipeline import Diagnosis
from sshdoctor.model import Host, HostReport
from sshdoctor.remedy import apply as applying
from sshdoctor.remedy.consent import Choice
from sshdoctor.remedy.opening import about_time, nothing_to_open
from sshdoctor.remedy.plan import Plan, Step
from sshdoctor.remedy.playbook.model import Playbook
from sshdoctor.remedy.prospect import prospect
from sshdoctor.remedy.repair import Agree, CarryOut, ended, given_by, offer_steps, refusal_to_repair
from sshdoctor.remedy.run import Prove
from sshdoctor.remedy.setup import RepairSetup

Named = tuple[Playbook, Mapping[str, Any]]
"""A playbook by name, and the variables that it is given beside what is known."""


def run_named(
    host: Host,
    before: Diagnosis,
    setup: RepairSetup,
    choice: Choice,
    agree: Agree,
    *,
    named: Sequence[Named],
    forecast: str = "",
    settled: str = "",
    prove: Prove = str,
    carry_out: CarryOut | None = None,
) -> HostReport:
    """Run playbooks by name, whatever the causes are; proved if nobody is worse off than before.

    ``settled``: what they are for is so already, in words: where no task would change anything, none is run.
    ``prove`` is asked besides; ``carry_out`` has a proof of its own.
    """
    ahead = prospect(before.facts, before.report.causes, (), source=choice.source)
    known = {**given_by(host, before, ahead), "opening_closes": bool(choice.hold)}
    steps = tuple(Step(playbook, (), {**known, **extra}) for playbook, extra in named)
    refusal = refusal_to_repair(host, before, Plan(steps, ()), replace(choice, unasked=False))
    refusal = refusal or nothing_to_open(steps, steps[0].variables)
    for step in steps:
        if step.playbook.remedy.for_a_while != bool(choice.hold) or (choice.hold and before.on_disk):
            refusal = refusal or about_time(step)
    if refusal:
        return refused(host, before, refusal)
    if settled and not _would_change(before, steps):
        return ended(before.report, "nothing-to-do", detail=settled)
    ahead = replace(ahead, text=forecast, others=None)
    return offer_steps(host, before, steps, ahead, setup, choice, agree, prove, carry_out)


def _would_change(before: Diagnosis, steps: Sequence[Step]) -> bool:
    assert before.inside.access is not None  # noqa: S101 -- without a way in there was a refusal
    found = applying.check(before.inside.access, steps)
    return bool(found.trouble) or any(task.status == "changed" for task in found.tasks)


def refused(host: Host, before: Diagnosis, why: str) -> HostReport:
    """The report on a host to which nothing is done, and why."""
    return ended(before.report, "managed" if host.managed else "no-remedy", detail=why)
