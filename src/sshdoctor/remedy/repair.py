"""Repair one host: plan, ask, apply under the guard, dial in again, and only then disarm the restore."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.access.base import Access
from sshdoctor.ahead import Ahead
from sshdoctor.errors import AccessError, RemedyError
from sshdoctor.model import Cause, Host, HostReport, Outcome, Repair
from sshdoctor.remedy import apply as applying
from sshdoctor.remedy.apply import Applied, Prepared
from sshdoctor.remedy.consent import Choice
from sshdoctor.remedy.examine import Examined, Tools, enter_again, examine
from sshdoctor.remedy.plan import Plan, Step, plan
from sshdoctor.remedy.playbook import Playbook
from sshdoctor.remedy.proof import objection
from sshdoctor.remedy.prospect import prospect
from sshdoctor.remedy.variables import variables


class Proposal(Struct, frozen=True, kw_only=True):
    """A plan before anything is changed, and how to look at what a step would change."""

    report: HostReport
    steps: tuple[Step, ...]
    forecast: str
    preview: Callable[[Step], Applied]


_UNANSWERED = "it was proved and confirmed, but no answer came: if the host did not hear it, it puts all back"

Agree = Callable[[Proposal], tuple[Step, ...]]
"""Gives the steps of a proposal that may be carried out."""


def repair(host: Host, before: Examined, tools: Tools, choice: Choice, agree: Agree) -> HostReport:
    """The report on ``host`` as it is in the end; its ``repair`` says what was done."""

    def offer(steps: tuple[Step, ...], forecast: str) -> HostReport:
        return _offer(host, before, steps, forecast, tools, choice, agree)

    return _planned(host, before, tools, choice, _refusal, offer)


def write_down(
    host: Host, before: Examined, tools: Tools, choice: Choice, write: Callable[[Sequence[Step], str], str]
) -> HostReport:
    """The report on ``host`` as it was seen, by a way in or in a capture; ``write`` is given the plan for it.

    ``write`` gives what to say of that.
    """

    def offer(steps: tuple[Step, ...], forecast: str) -> HostReport:
        shown = tuple(step.shown for step in steps)
        said = write(steps, forecast)
        return _ended(before.report, "written", detail=said, planned=shown, forecast=forecast)

    return _planned(host, before, tools, choice, _refusal_to_write, offer)


def _planned(
    host: Host,
    before: Examined,
    tools: Tools,
    choice: Choice,
    refused: Callable[[Host, Examined, Plan, Choice], str],
    offer: Callable[[tuple[Step, ...], str], HostReport],
) -> HostReport:
    """What ``offer`` comes to, given the steps of a plan and its forecast; or why nothing is offered."""
    report = before.report
    on_disk = report.access.via == "chroot"
    made = plan(report.causes, tools.read()[1], choice.causes, on_disk=on_disk)
    if not made.steps and not made.left:
        if report.verdict == "undecided":
            return _ended(report, "no-remedy", detail="No cause could be named, so there is none to mend.")
        return _ended(report, "nothing-to-do")
    refusal = refused(host, before, made, choice)
    mended = [cause for cause in report.causes if any(cause.id in step.mends for step in made.steps)]
    left = () if choice.causes or on_disk else made.left
    ahead = prospect(before.facts, mended, left, narrow=choice.narrow)
    if not refusal and ahead.objection:
        refusal = f"A plan was made, but {ahead.objection}; so it is not offered."
    known = {**variables(before.facts), **ahead.variables()}
    if on_disk:
        known["ssh_running"] = True  # no playbook need start what starts at the boot
        ahead = replace(ahead, text=_after_boot(made.left))
    steps = tuple(replace(step, variables=known) for step in made.steps)
    shown = tuple(step.shown for step in steps)
    if refusal:
        outcome: Outcome = "managed" if host.managed else "no-remedy"
        return _ended(report, outcome, detail=refusal, planned=shown, forecast=ahead.text)
    return offer(steps, ahead.text)


def _offer(
    host: Host,
    before: Examined,
    steps: tuple[Step, ...],
    forecast: str,
    tools: Tools,
    choice: Choice,
    agree: Agree,
) -> HostReport:
    """Ask for consent to ``steps``, and carry out what is agreed to."""
    report, access = before.report, before.said.access
    assert access is not None  # noqa: S101 -- without a way in there was a refusal
    shown = tuple(step.shown for step in steps)
    if choice.check:
        found = applying.check(access, steps)
        return _ended(
            report, "checked", detail=found.trouble, planned=shown, forecast=forecast, tasks=found.tasks
        )
    proposal = Proposal(
        report=report,
        steps=steps,
        forecast=forecast,
        preview=lambda step: applying.check(access, [step]),
    )
    agreed = agree(proposal)
    if not agreed:
        return _ended(report, "declined", planned=shown, forecast=forecast)
    if report.access.via == "chroot":
        done = _mend_disk(host, before, agreed, tools)
    else:
        done = carry_out(host, before, agreed, tools, choice.seconds)
    assert done.repair is not None  # noqa: S101 -- carry_out says what it did
    return replace(done, repair=replace(done.repair, planned=shown, forecast=forecast))


def _refusal(host: Host, before: Examined, made: Plan, choice: Choice) -> str:
    """Why nothing is offered; empty if the plan may be."""
    refusal = _refusal_of_plan(host, made, choice, on_disk=before.report.access.via == "chroot")
    if before.said.access is None and not host.managed:
        return _no_way_in(before)
    if refusal:
        return refusal
    if before.report.access.privileged is False and any(s.playbook.become for s in made.steps):
        return "Root's rights are needed for this: set ansible_become, or be root there."
    return ""


def _refusal_to_write(host: Host, before: Examined, made: Plan, choice: Choice) -> str:
    """Why no script is written: root's rights are asked for by the script itself."""
    if before.said.used.via is None and not host.managed:
        return "Nobody has seen the host: make a capture first (`rescue`), and give it with --capture."
    if before.said.used.via == "chroot":
        return "A mounted disk has no console: it is repaired without --script."
    return _refusal_of_plan(host, made, choice)


def _refusal_of_plan(host: Host, made: Plan, choice: Choice, *, on_disk: bool = False) -> str:
    """On a disk, what no playbook mends there is left for after the boot."""
    if host.managed:
        return f"This host is run by {host.managed}: nothing is changed here; ask them (--format ticket)."
    blocking = [cause for cause in made.left if cause.role != "latent" and not on_disk]
    if not made.steps or (blocking and not choice.causes):
        return _unmended(blocking or made.left)
    return ""


def _no_way_in(before: Examined) -> str:
    if before.said.used.via == "capture":
        return "A capture cannot be repaired: `remediate --script FILE` writes the plan for the console."
    return "There is no way in to repair it through: give one in sshdoctor_access, or see `rescue`."


def _unmended(causes: Sequence[Cause]) -> str:
    """What only a person mends, and what a playbook mends once a person names it."""
    by_hand = [cause for cause in causes if not cause.playbooks]
    if by_hand:
        return f"No playbook mends {_ids(by_hand)}; mend that first (what to type stands there)."
    flags = " ".join(dict.fromkeys(f"--cause {cause.id}" for cause in causes))
    return f"This may have been meant, so it is mended only if you name it: {flags}"


def _ids(causes: Sequence[Cause]) -> str:
    return ", ".join(dict.fromkeys(cause.id for cause in causes))


def _ended(report: HostReport, outcome: Outcome, **more: object) -> HostReport:
    said = Repair(outcome=outcome, replies_before=report.outside, replies_after=report.outside)
    return replace(report, repair=replace(said, **more))


def carry_out(host: Host, before: Examined, steps: Sequence[Step], tools: Tools, seconds: int) -> HostReport:
    """Apply ``steps`` and prove them; what is not proved is put back."""
    prepared = applying.prepare(steps, seconds)
    try:
        return _proved(host, before, steps, tools, prepared)
    except BaseException:  # a Ctrl-C too; what was confirmed before it stays
        _restored(before, prepared, tools)
        raise


def _proved(
    host: Host, before: Examined, steps: Sequence[Step], tools: Tools, prepared: Prepared
) -> HostReport:
    access = before.said.access
    assert access is not None  # noqa: S101 -- the callers have one
    mended = tuple(cause for step in steps for cause in step.mends)
    applied = _applied(access, prepared)
    if applied.trouble:
        return _failed(host, before, tools, prepared, applied, applied.trouble)
    again = Ahead(partial(enter_again, before, tools.manner))
    after = examine(host, tools)
    try:
        against = objection(before.report, after.report, mended) or _unconfirmed(
            before, prepared, tools, again
        )
        if against:
            return _failed(host, before, tools, prepared, applied, against)
        return _told(after.report, before, applied, "proved", mended=mended, run=prepared.run)
    finally:
        after.close()
        with suppress(AccessError):
            again.result().close()


def _mend_disk(host: Host, before: Examined, steps: Sequence[Step], tools: Tools) -> HostReport:
    """Apply ``steps`` to a mounted disk, and look whether its files are mended; if not, put them back."""
    access = before.said.access
    assert access is not None  # noqa: S101 -- the callers have one
    prepared = applying.prepare(steps, 0)
    applied = _applied(access, prepared, applying.apply_on_disk)
    if not applied.begun:
        return _told(before.report, before, applied, "failed", detail=applied.trouble)
    with closing(examine(host, tools)) as after:
        mended = tuple(cause for step in steps for cause in step.mends)
        still = [cause.id for cause in after.report.causes if cause.id in mended]
        if not applied.trouble and not still:
            return _told(after.report, before, applied, "mended-on-disk", mended=mended, run=prepared.run)
    why = applied.trouble or f"{', '.join(dict.fromkeys(still))} is still there"
    try:
        applying.undo(access)
    except (RemedyError, AccessError) as error:
        return _told(after.report, before, applied, "failed", detail=f"{why}; {error}", run=prepared.run)
    told = replace(applied, tasks=applying.rolled_back(applied.tasks))
    return _told(before.report, before, told, "rolled-back", detail=why)


def _after_boot(left: Sequence[Cause]) -> str:
    rest = f" {_ids(left)}: no playbook mends that on a disk; see to it after the boot." if left else ""
    return f"its own programs do this, in a chroot without a network; the system starts at its boot.{rest}"


def _applied(
    access: Access, prepared: Prepared, apply: Callable[[Access, Prepared], Applied] = applying.apply
) -> Applied:
    try:
        return apply(access, prepared)
    except AccessError as error:
        return Applied((), (), f"the tasks could not be sent: {error}", begun=False)


def _unconfirmed(before: Examined, prepared: Prepared, tools: Tools, again: Ahead[Access]) -> str:
    """Disarm the restore through the way in that was used, opened anew: so it is proved to work still.

    It was opened while the host was diagnosed again.

    Why it is not known to be disarmed, or empty.
    """
    sent = False
    for enter in (again.result, partial(enter_again, before, tools.manner)):  # an answer may be lost
        try:
            with closing(enter()) as access:
                confirmed = applying.confirm(access, prepared)
        except AccessError:
            break
        if confirmed is not None:
            return "" if confirmed else "the restore had begun before all was proved"
        sent = True
    return _UNANSWERED if sent else "the way in that was used no longer works"


def _failed(
    host: Host, before: Examined, tools: Tools, prepared: Prepared, applied: Applied, why: str
) -> HostReport:
    """Put back what was changed, at once if a way in is left; else the host does it when its time is over."""
    if not applied.begun:
        return _told(before.report, before, applied, "failed", detail=why)
    restored = _restored(before, prepared, tools)
    changed = any(task.status == "changed" for task in applied.tasks)
    detail = why if restored or why == _UNANSWERED else f"{why}. {_later(prepared)}"
    after = examine(host, tools)
    after.close()
    told = replace(applied, tasks=applying.rolled_back(applied.tasks) if restored else applied.tasks)
    outcome: Outcome = "rolled-back" if restored and changed else "failed"
    return _told(after.report, before, told, outcome, detail=detail, run=prepared.run)


def _later(prepared: Prepared) -> str:
    if not prepared.seconds:
        return "What was changed could not be put back."
    return f"It cannot be put back from here; the host does so by itself within {prepared.seconds} s."


def _restored(before: Examined, prepared: Prepared, tools: Tools) -> bool:
    try:
        with closing(enter_again(before, tools.manner)) as access:
            return applying.restore(access, prepared)
    except AccessError:
        return False


def _told(
    report: HostReport,
    before: Examined,
    applied: Applied,
    outcome: Outcome,
    *,
    detail: str = "",
    mended: tuple[str, ...] = (),
    run: str = "",
) -> HostReport:
    said = Repair(
        outcome=outcome,
        detail=detail,
        tasks=applied.tasks,
        replies_before=before.report.outside,
        replies_after=report.outside,
        mended=mended,
        journal=applied.journal,
        run=run,
    )
    return replace(report, repair=said)


def given(before: Examined, causes: Sequence[Cause], choice: Choice) -> dict[str, Any]:
    """What a playbook is given for the host."""
    ahead = prospect(before.facts, causes, (), narrow=choice.narrow)
    return {**variables(before.facts), **ahead.variables()}


def run_one(
    host: Host,
    before: Examined,
    tools: Tools,
    choice: Choice,
    agree: Agree,
    *,
    playbook: Playbook,
    extra: Mapping[str, Any],
) -> HostReport:
    """Run one playbook by name, whatever the causes are; proved if nobody is worse off than before."""
    step = Step(playbook, (), {**given(before, before.report.causes, choice), **extra})
    refusal = _refusal(host, before, Plan((step,), ()), choice)
    if refusal:
        return _ended(before.report, "managed" if host.managed else "no-remedy", detail=refusal)
    return _offer(host, before, (step,), "", tools, choice, agree)


def take_back(host: Host, before: Examined, tools: Tools) -> HostReport:
    """Undo the last remedy. Raises RemedyError if there is none, or no way in."""
    if before.said.access is None:
        raise RemedyError(f"{host.name}: there is no way in to undo it through")
    if host.managed:
        raise RemedyError(f"{host.name} is run by {host.managed}: nothing is changed there")
    said = applying.undo(before.said.access)
    after = examine(host, tools)
    after.close()
    return _told(after.report, before, Applied(()), "undone", detail=said)
