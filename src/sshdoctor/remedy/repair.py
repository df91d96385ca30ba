"""Repair one host: plan, ask, apply under the guard, dial in again, and only then disarm the restore."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.diagnosis.pipeline import Diagnosis
from sshdoctor.model import Cause, Host, HostReport, Outcome, Repair
from sshdoctor.remedy import apply as applying
from sshdoctor.remedy.apply import Applied
from sshdoctor.remedy.consent import Choice
from sshdoctor.remedy.opening import nothing_to_open, opened
from sshdoctor.remedy.plan import Plan, Step, plan, started_once, with_playbook_of
from sshdoctor.remedy.prospect import Prospect, prospect
from sshdoctor.remedy.run import Agreed, Prove, apply_plan, mend_disk
from sshdoctor.remedy.setup import RepairSetup
from sshdoctor.services import load


class Proposal(Struct, frozen=True, kw_only=True):
    """A plan before anything is changed, and how to look at what a step would change."""

    report: HostReport
    steps: tuple[Step, ...]
    forecast: str
    preview: Callable[[Step], Applied]


Agree = Callable[[Proposal], tuple[Step, ...]]
"""Gives the steps of a proposal that may be carried out."""
CarryOut = Callable[[Agreed], HostReport]
"""Does what was agreed to; its report says what came of it."""


def repair(host: Host, before: Diagnosis, setup: RepairSetup, choice: Choice, agree: Agree) -> HostReport:
    """The report on ``host`` as it is in the end; its ``repair`` says what was done."""

    def offer(steps: tuple[Step, ...], ahead: Prospect) -> HostReport:
        return offer_steps(host, before, steps, ahead, setup, choice, agree)

    return _planned(host, before, setup, choice, refusal_to_repair, offer)


def write_down(
    host: Host,
    before: Diagnosis,
    setup: RepairSetup,
    choice: Choice,
    write: Callable[[Sequence[Step], str], str],
) -> HostReport:
    """The report on ``host`` as it was seen, by a way in or in a capture; ``write`` is given the plan for it.

    ``write`` gives what to say of that.
    """

    def offer(steps: tuple[Step, ...], ahead: Prospect) -> HostReport:
        shown = tuple(step.shown for step in steps)
        said = write(steps, ahead.text)
        return ended(before.report, "written", detail=said, planned=shown, forecast=ahead.text)

    return _planned(host, before, setup, choice, _refusal_to_write, offer)


def _planned(
    host: Host,
    before: Diagnosis,
    setup: RepairSetup,
    choice: Choice,
    refused: Callable[[Host, Diagnosis, Plan, Choice], str],
    offer: Callable[[tuple[Step, ...], Prospect], HostReport],
) -> HostReport:
    """What ``offer`` comes to, given the steps of a plan and its forecast; or why nothing is offered."""
    report = before.report
    on_disk = before.on_disk
    made = plan(report.causes, setup.playbooks(), choice.causes, on_disk=on_disk, hold=bool(choice.hold))
    if not made.steps and not made.left:
        if report.verdict == "undecided":
            return ended(report, "no-remedy", detail="No cause could be named, so there is none to mend.")
        return ended(report, "nothing-to-do")
    refusal = refused(host, before, made, choice)
    mended = [cause for cause in report.causes if any(cause.id in step.mends for step in made.steps)]
    left = () if choice.causes or on_disk else made.left
    ahead = prospect(before.facts, mended, left, source=choice.source)
    if not refusal and ahead.objection:
        refusal = f"A plan was made, but {ahead.objection}; so it is not offered."
    known = {**given_by(host, before, ahead), "opening_closes": bool(choice.hold)}
    refusal = refusal or nothing_to_open(made.steps, known)
    if on_disk:
        ahead = replace(ahead, text=_after_boot(made.left))
    if choice.hold and made.steps:
        ahead = replace(ahead, text=opened(known, choice.hold))
    steps = _filled(made.steps, ahead, known, setup)
    shown = tuple(step.shown for step in steps)
    if refusal:
        outcome: Outcome = "managed" if host.managed else "no-remedy"
        return ended(report, outcome, detail=refusal, planned=shown, forecast=ahead.text)
    return offer(steps, ahead)


def _filled(
    planned: tuple[Step, ...], ahead: Prospect, known: Mapping[str, Any], setup: RepairSetup
) -> tuple[Step, ...]:
    """The steps with what is known, and with the playbook that the prospect needs."""
    if ahead.openings and planned:  # a ban that only an opening gets past, or a rule behind it
        planned = with_playbook_of(planned, "openings", "firewall-drops", setup.playbooks())
    return started_once([replace(step, variables=known) for step in planned])


def _next_round(
    host: Host, after: Diagnosis, done: Agreed, setup: RepairSetup, choice: Choice, agree: Agree
) -> Agreed | None:
    """What mends that which stops the client now; None if it is not proved, or was tried before."""
    made = plan(after.report.causes, setup.playbooks(), ())
    first = after.report.causes[0] if after.report.causes else None
    tried = {cause for step in made.steps for cause in step.mends} & {*done.mended}
    if first is None or first.confidence != "proved" or not made.steps or tried or choice.causes:
        return None
    if refusal_to_repair(host, after, made, choice):
        return None
    mended = [cause for cause in after.report.causes if any(cause.id in step.mends for step in made.steps)]
    ahead = prospect(after.facts, mended, made.left, source=choice.source)
    if ahead.objection:
        return None
    steps = _filled(made.steps, ahead, given_by(host, after, ahead), setup)
    proposal = Proposal(
        report=after.report, steps=steps, forecast=ahead.text, preview=lambda step: Applied(())
    )
    agreed = started_once(agree(proposal))
    return Agreed(agreed, ahead.others) if agreed else None


def offer_steps(
    host: Host,
    before: Diagnosis,
    steps: tuple[Step, ...],
    ahead: Prospect,
    setup: RepairSetup,
    choice: Choice,
    agree: Agree,
    prove: Prove = str,
    carry_out: CarryOut | None = None,
) -> HostReport:
    """Ask for consent to ``steps``, and carry out what is agreed to."""
    report, access, forecast = before.report, before.inside.access, ahead.text
    assert access is not None  # noqa: S101 -- without a way in there was a refusal
    shown = tuple(step.shown for step in steps)
    if choice.check:
        found = applying.check(access, steps)
        return ended(
            report, "checked", detail=found.trouble, planned=shown, forecast=forecast, tasks=found.tasks
        )

    def go_on(after: Diagnosis, done: Agreed) -> Agreed | None:
        by_name = not any(step.mends for step in steps)
        return None if by_name else _next_round(host, after, done, setup, choice, agree)

    proposal = Proposal(
        report=report,
        steps=steps,
        forecast=forecast,
        preview=lambda step: applying.check(access, [step]),
    )
    agreed = started_once(agree(proposal))
    if not agreed:
        return ended(report, "declined", planned=shown, forecast=forecast)
    if carry_out is not None:
        done = carry_out(Agreed(agreed, ahead.others))
    elif before.on_disk:
        done = mend_disk(host, before, agreed, setup)
    else:
        allowed = Agreed(agreed, ahead.others)
        done = apply_plan(host, before, allowed, setup, choice.seconds, go_on, choice.hold, prove)
    assert done.repair is not None  # noqa: S101 -- apply_plan says what it did
    return replace(done, repair=replace(done.repair, planned=shown, forecast=forecast))


def refusal_to_repair(host: Host, before: Diagnosis, made: Plan, choice: Choice) -> str:
    """Why nothing is offered; empty if the plan may be."""
    refusal = refusal_of_plan(host, before, made, choice, on_disk=before.on_disk)
    if before.inside.access is None and not host.managed:
        return _no_way_in(before)
    if refusal := refusal or undecided(before, choice):
        return refusal
    if before.report.access.privileged is False and any(s.playbook.become for s in made.steps):
        return "Root's rights are needed for this: set ansible_become, or be root there."
    return ""


def undecided(before: Diagnosis, choice: Choice) -> str:
    """Why nobody has decided that this is to be done; of a disk nothing can be proved before its boot."""
    first = before.report.causes[0] if before.report.causes else None
    if first is None or not choice.unasked or choice.causes or choice.check or before.on_disk:
        return ""
    if first.confidence == "proved":
        return ""
    return f"{first.id} is {first.confidence}, not proved: to have it mended unasked, say --cause {first.id}"


def _refusal_to_write(host: Host, before: Diagnosis, made: Plan, choice: Choice) -> str:
    """Why no script is written: root's rights are asked for by the script itself."""
    if before.inside.used.via is None and not host.managed:
        return "Nobody has seen the host: make a capture first (`rescue`), and give it with --capture."
    if before.on_disk:
        return "A mounted disk has no console: it is repaired without --script."
    return refusal_of_plan(host, before, made, choice)


def refusal_of_plan(
    host: Host, before: Diagnosis, made: Plan, choice: Choice, *, on_disk: bool = False
) -> str:
    """On a disk, what no playbook mends there is left for after the boot."""
    if stage := next((reply.stage for reply in before.report.outside if reply.stage), ""):
        return (
            f"The dial ended at the {stage}: the target is left alone; diagnose what lies on the way to it."
        )
    if host.managed:
        return f"This host is run by {host.managed}: nothing is changed here; ask them (--format ticket)."
    if choice.hold and not made.steps:
        return f"Nothing is opened for a while by {_ids(made.left)}: leave --for out."
    blocking = [cause for cause in made.left if cause.role != "latent" and not on_disk]
    if not made.steps or (blocking and not choice.causes):
        return _unmended(blocking or made.left)
    return ""


def _no_way_in(before: Diagnosis) -> str:
    if before.inside.used.via == "capture":
        return "A capture cannot be repaired: `remediate --script FILE` writes the plan for the console."
    return "There is no way in to repair it through: give one in sshdoctor_access, or see `rescue`."


def _unmended(causes: Sequence[Cause]) -> str:
    """What only a person mends, and what a playbook mends once a person names it."""
    rules = [cause for cause in causes if "open-access" in cause.playbooks]
    if rules:
        return f"{_ids(rules)} is a rule that somebody wrote: it is opened for a while, with --for 15m."
    by_hand = [cause for cause in causes if not cause.playbooks]
    if by_hand:
        return f"No playbook mends {_ids(by_hand)}; mend that first (what to type stands there)."
    flags = " ".join(dict.fromkeys(f"--cause {cause.id}" for cause in causes))
    return f"This may have been meant, so it is mended only if you name it: {flags}"


def _ids(causes: Sequence[Cause]) -> str:
    return ", ".join(dict.fromkeys(cause.id for cause in causes))


def ended(report: HostReport, outcome: Outcome, **more: object) -> HostReport:
    said = Repair(outcome=outcome, replies_before=report.outside, replies_after=report.outside)
    return replace(report, repair=replace(said, **more))


def _after_boot(left: Sequence[Cause]) -> str:
    rest = f" {_ids(left)}: no playbook mends that on a disk; see to it after the boot." if left else ""
    return f"its own programs do this, in a chroot without a network; the system starts at its boot.{rest}"


def given(host: Host, before: Diagnosis, causes: Sequence[Cause], choice: Choice) -> dict[str, Any]:
    """What a playbook is given for the host."""
    return given_by(host, before, prospect(before.facts, causes, (), source=choice.source))


def given_by(host: Host, before: Diagnosis, ahead: Prospect) -> dict[str, Any]:
    return {**load(host.service).playbook_variables(before.facts), **ahead.variables()}
