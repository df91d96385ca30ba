"""A plan that was agreed to, carried out: applied under guard, proved by dialling in again, or put back."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.access.base import Access
from sshdoctor.diagnosis.background import Background
from sshdoctor.diagnosis.pipeline import Diagnosis, enter_again
from sshdoctor.errors import AccessError, RemedyError
from sshdoctor.model import Host, HostReport, Outcome, Repair
from sshdoctor.remedy import apply as applying
from sshdoctor.remedy.about import about, clients
from sshdoctor.remedy.apply import Applied, Prepared
from sshdoctor.remedy.others import unnamed, unplanned
from sshdoctor.remedy.plan import Step
from sshdoctor.remedy.setup import RepairSetup, diagnose_to_repair
from sshdoctor.remedy.verify import objection

_UNANSWERED = "it was proved and confirmed, but no answer came: if the host did not hear it, it puts all back"


class Agreed(Struct, frozen=True):
    """Steps that may be carried out; ``others`` is what the plan says will be another for other clients.

    Anything else is put back. None where nobody can say, as of a playbook by name.
    """

    steps: tuple[Step, ...]
    others: tuple[str, ...] | None

    @property
    def mended(self) -> tuple[str, ...]:
        return tuple(cause for step in self.steps for cause in step.mends)

    def until(self, playbook: str) -> Agreed:
        """The steps as far as this one, which is the last that was begun."""
        last = max(at for at, step in enumerate(self.steps) if step.playbook.id == playbook)
        return Agreed(self.steps[: last + 1], self.others)

    def __add__(self, more: Agreed) -> Agreed:
        unknown = self.others is None or more.others is None
        others = None if unknown else (*(self.others or ()), *(more.others or ()))
        return Agreed(self.steps + more.steps, others)


GoOn = Callable[[Diagnosis, Agreed], Agreed | None]
"""What is to be done next, where something else stops the client that could not be seen before."""
Prove = Callable[[], str]
"""Why what was done does not do what it is for, "" if it does: asked before it is confirmed."""
_ROUNDS = 3
_WOULD_NOT_START = re.compile(r"systemctl (re)?start \S+ failed")
"""What a task says where systemd does not start a unit (modules/parts/systemd.sh)."""


def apply_plan(
    host: Host,
    before: Diagnosis,
    agreed: Agreed,
    setup: RepairSetup,
    seconds: int,
    go_on: GoOn,
    hold: int = 0,
    prove: Prove = str,
) -> HostReport:
    """Apply the steps and prove them; what is not proved is put back, and after ``hold`` seconds what is."""
    client = next((each for each in clients(before) if each), "")
    prepared = applying.prepare(agreed.steps, seconds, about(before, agreed.steps), client, hold)
    try:
        return _proved(host, before, agreed, setup, prepared, go_on, prove)
    except BaseException:  # a Ctrl-C too; what was confirmed before it stays
        _restored(before, prepared, setup)
        raise


def _proved(
    host: Host,
    before: Diagnosis,
    agreed: Agreed,
    setup: RepairSetup,
    prepared: Prepared,
    go_on: GoOn,
    prove: Prove,
) -> HostReport:
    access = before.inside.access
    assert access is not None  # noqa: S101 -- the callers have one
    applied, rounds = _applied(access, prepared), 1
    while True:
        stopped = _stopped_at_a_start(applied)
        trouble = "" if stopped else applied.trouble
        if trouble := trouble or unnamed(applied.effects, agreed.steps):
            return _failed(host, before, setup, prepared, applied, trouble)
        again = Background(partial(enter_again, before, setup.probing))
        proving = Background(prove)
        after = diagnose_to_repair(host, setup)
        try:
            against = applied.trouble or objection(before.report, after.report, agreed.mended)
            done = agreed.until(stopped) if stopped else agreed
            further = against and prepared.seconds and not prepared.hold and rounds < _ROUNDS
            more = go_on(after, done) if further else None
            if more is None:
                against = (
                    against
                    or _beside_the_plan(before, after, agreed.others)
                    or proving.result()
                    or _unconfirmed(before, prepared, setup, again)
                )
                if against:
                    return _failed(host, before, setup, prepared, applied, against)
                said = _open_until(host, prepared)
                return report_of(
                    after.report,
                    before,
                    applied,
                    "proved",
                    detail=said,
                    mended=agreed.mended,
                    run=prepared.run,
                )
            agreed, rounds = agreed + more, rounds + 1
            applied = applying.together(applied, _gone_on(access, after, more, prepared))
        finally:
            after.close()
            with suppress(AccessError):
                again.result().close()


def _open_until(host: Host, prepared: Prepared) -> str:
    """What is told of an opening, "" if it is none."""
    if not prepared.hold:
        return ""
    from datetime import UTC, datetime, timedelta

    ends = datetime.now(UTC) + timedelta(seconds=prepared.hold)
    return (
        f"Open until {ends:%Y-%m-%d %H:%M:%S} UTC; then {host.name} closes it by itself, at a reboot sooner. "
        "`undo` closes it at once. It is proved for this client alone: whether others get in for whom it is "
        "meant, they must try."
    )


def _stopped_at_a_start(applied: Applied) -> str:
    """The playbook that failed as a unit would not start; "" if that is not so.

    Only a start tells some of what keeps the service from running: that is looked at, and mended as well.
    """
    failed = next((task for task in applied.tasks[-1:] if task.status == "failed"), None)
    return failed.playbook if failed and _WOULD_NOT_START.search(failed.message) else ""


def _gone_on(access: Access, seen: Diagnosis, more: Agreed, prepared: Prepared) -> Applied:
    program = applying.prepare(more.steps, prepared.seconds, about(seen, more.steps))
    further = replace(program, run=prepared.run, seconds=prepared.seconds, client=prepared.client)
    return _applied(access, further, applying.go_on)


def _beside_the_plan(before: Diagnosis, after: Diagnosis, others: Sequence[str] | None) -> str:
    found = () if others is None else unplanned(before.facts, after.facts, others)
    return f"this changed, and the plan did not say so: {'; '.join(found)}" if found else ""


def mend_disk(host: Host, before: Diagnosis, steps: Sequence[Step], setup: RepairSetup) -> HostReport:
    """Apply ``steps`` to a mounted disk, and look whether its files are mended; if not, put them back."""
    access = before.inside.access
    assert access is not None  # noqa: S101 -- the callers have one
    prepared = applying.prepare(steps, 0, about(before, steps))
    applied = _applied(access, prepared, applying.apply_on_disk)
    if not applied.begun:
        return report_of(before.report, before, applied, "failed", detail=applied.trouble)
    with closing(diagnose_to_repair(host, setup)) as after:
        mended = tuple(cause for step in steps for cause in step.mends)
        still = [cause.id for cause in after.report.causes if cause.id in mended]
        if not applied.trouble and not still:
            return report_of(after.report, before, applied, "mended-on-disk", mended=mended, run=prepared.run)
    why = applied.trouble or f"{', '.join(dict.fromkeys(still))} is still there"
    try:
        applying.undo(access, prepared.run)
    except (RemedyError, AccessError) as error:
        return report_of(after.report, before, applied, "failed", detail=f"{why}; {error}", run=prepared.run)
    told = replace(applied, tasks=applying.rolled_back(applied.tasks))
    return report_of(before.report, before, told, "rolled-back", detail=why)


def _applied(
    access: Access, prepared: Prepared, apply: Callable[[Access, Prepared], Applied] = applying.apply
) -> Applied:
    try:
        return apply(access, prepared)
    except AccessError as error:
        return Applied((), (), f"the tasks could not be sent: {error}", begun=False)


def _unconfirmed(before: Diagnosis, prepared: Prepared, setup: RepairSetup, again: Background[Access]) -> str:
    """Disarm the restore through the way in that was used, opened anew: so it is proved to work still.

    It was opened while the host was diagnosed again.

    Why it is not known to be disarmed, or empty.
    """
    sent = False
    for enter in (again.result, partial(enter_again, before, setup.probing)):  # an answer may be lost
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
    host: Host, before: Diagnosis, setup: RepairSetup, prepared: Prepared, applied: Applied, why: str
) -> HostReport:
    """Put back what was changed, at once if a way in is left; else the host does it when its time is over."""
    if not applied.begun:
        return report_of(before.report, before, applied, "failed", detail=why)
    left = _restored(before, prepared, setup)
    restored = left is not None
    changed = any(task.status == "changed" for task in applied.tasks)
    detail = why if restored or why == _UNANSWERED else f"{why}. {_later(prepared)}"
    detail = f"{detail}; {left}" if left else detail
    after = diagnose_to_repair(host, setup)
    after.close()
    told = replace(applied, tasks=applying.rolled_back(applied.tasks) if restored else applied.tasks)
    outcome: Outcome = "rolled-back" if restored and changed else "failed"
    return report_of(after.report, before, told, outcome, detail=detail, run=prepared.run)


def _later(prepared: Prepared) -> str:
    if not prepared.seconds:
        return "What was changed could not be put back."
    return f"It cannot be put back from here; the host does so by itself within {prepared.seconds} s."


def _restored(before: Diagnosis, prepared: Prepared, setup: RepairSetup) -> str | None:
    """See apply.restore."""
    try:
        with closing(enter_again(before, setup.probing)) as access:
            return applying.restore(access, prepared)
    except AccessError:
        return None


def report_of(
    report: HostReport,
    before: Diagnosis,
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
