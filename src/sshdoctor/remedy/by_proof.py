"""A playbook by name whose proof is its own: it stays only if that finds nothing against it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress

from sshdoctor.access.base import Access
from sshdoctor.diagnosis.pipeline import Diagnosis, enter_again
from sshdoctor.errors import AccessError, RemedyError
from sshdoctor.model import HostReport
from sshdoctor.remedy import apply as applying
from sshdoctor.remedy.about import about, clients
from sshdoctor.remedy.apply import Applied, Prepared
from sshdoctor.remedy.others import unnamed
from sshdoctor.remedy.run import Agreed, report_of
from sshdoctor.remedy.setup import RepairSetup

Prove = Callable[[], str]
"""What new connections and the host itself hold against what was done; "" if nothing."""


def apply_with_proof(
    before: Diagnosis, agreed: Agreed, setup: RepairSetup, seconds: int, prove: Prove, *, same_way: bool
) -> HostReport:
    """Apply the steps under guard, and prove them by ``prove``; what is not proved is put back.

    ``same_way``: the way in that was used must still work as it did, or that is held against it, too.
    """
    access = before.inside.access
    assert access is not None  # noqa: S101 -- nothing is offered without a way in
    client = next((each for each in clients(before) if each), "")
    prepared = applying.prepare(agreed.steps, seconds, about(before, agreed.steps), client)
    applied = Applied((), begun=True)
    try:
        applied = applying.apply(access, prepared)
        against = applied.trouble or unnamed(applied.effects, agreed.steps) or prove()
        against = against or _unconfirmed(before, access, prepared, setup, same_way=same_way)
    except (AccessError, RemedyError) as error:
        against = str(error)
    except BaseException:  # a Ctrl-C too
        _restored(before, access, prepared, setup)
        raise
    if not against:
        return report_of(before.report, before, applied, "proved", run=prepared.run)
    return _put_back(before, access, prepared, setup, applied, against)


def _put_back(
    before: Diagnosis,
    access: Access,
    prepared: Prepared,
    setup: RepairSetup,
    applied: Applied,
    against: str,
) -> HostReport:
    if not applied.begun:
        return report_of(before.report, before, applied, "failed", detail=against)
    left = _restored(before, access, prepared, setup)
    if left is None:
        later = f"{against}. The host puts it back by itself within {prepared.seconds} s."
        return report_of(before.report, before, applied, "failed", detail=later, run=prepared.run)
    told = Applied(applying.rolled_back(applied.tasks), applied.journal)
    detail = f"{against}; {left}" if left else against
    return report_of(before.report, before, told, "rolled-back", detail=detail, run=prepared.run)


def _unconfirmed(
    before: Diagnosis, access: Access, prepared: Prepared, setup: RepairSetup, *, same_way: bool
) -> str:
    """Disarm the restore, through the way in opened anew where that is to work as before."""
    try:
        if same_way:
            with closing(enter_again(before, setup.probing)) as anew:
                confirmed = applying.confirm(anew, prepared)
        else:
            confirmed = applying.confirm(access, prepared)
    except AccessError as error:
        return f"the way in that was used no longer works: {error}"
    if confirmed is None:
        return "no answer came to the confirmation"
    return "" if confirmed else "the restore had begun before all was proved"


def _restored(before: Diagnosis, access: Access, prepared: Prepared, setup: RepairSetup) -> str | None:
    """See apply.restore; through the way in opened anew, or the open one, if that still answers."""
    with suppress(AccessError), closing(enter_again(before, setup.probing)) as anew:
        return applying.restore(anew, prepared)
    with suppress(AccessError):
        if access.run("true\n", timeout=setup.probing.timeout).status == 0:
            return applying.restore(access, prepared)
    return None
