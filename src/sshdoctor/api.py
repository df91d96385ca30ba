"""Diagnose and repair from Python: ``from sshdoctor import diagnose, remediate``. Nothing is printed.

What is wrong with what was given is raised as one of ``sshdoctor.errors``; what a host says is never raised.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, cast

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.diagnosis.next_steps import Asked, next_commands
from sshdoctor.diagnosis.outside import ProbeOptions
from sshdoctor.diagnosis.pipeline import diagnose as diagnose_host
from sshdoctor.diagnosis.setup import diagnosis_setup
from sshdoctor.errors import UsageError
from sshdoctor.inventory import TypedVariables, find_sources, load_hosts
from sshdoctor.inventory.folders import check_folders, playbook_folders
from sshdoctor.model import Cause, Host, HostReport, Planned
from sshdoctor.remedy.consent import Choice
from sshdoctor.remedy.playbook.catalog import catalog, to_name, with_playbooks
from sshdoctor.remedy.setup import RepairSetup, diagnose_to_repair
from sshdoctor.reports import render
from sshdoctor.reports.layout.client_words import seen

Agree = Callable[[Sequence[Planned]], bool]
"""Whether what is planned may be done."""


class Report(Struct, frozen=True):
    """What a diagnosis, or a repair, came to; ``host`` has all of it."""

    host: HostReport

    @property
    def healthy(self) -> bool:
        """A client gets in, and no cause was found that stops it."""
        return self.host.verdict == "healthy"

    @property
    def verdict(self) -> str:
        """healthy, blocked or undecided."""
        return self.host.verdict

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Why a client does not get in, or will not: what answers it now comes first."""
        return self.host.causes

    @property
    def next(self) -> tuple[str, ...]:
        """The commands to type now, in this order."""
        return self.host.next

    @property
    def outcome(self) -> str | None:
        """What a repair came to ("proved", "rolled-back" ...); None of a diagnosis."""
        return self.host.repair.outcome if self.host.repair else None

    def as_dict(self) -> dict[str, Any]:
        """The same values as the JSON report has them: docs/report.schema.json."""
        (found,) = json.loads(render([self.host], "json"))["hosts"]
        return cast(dict[str, Any], found)

    def as_text(self) -> str:
        """The report as a person reads it."""
        return render([self.host], "text")

    def __repr__(self) -> str:
        said = seen(self.host)
        why = self.causes[0].summary if self.causes else " ".join(self.host.notes[:1])
        return f"<{self.host.host}: {' '.join(filter(None, [f'{self.verdict}.', f'{said}.', why]))}>"


def diagnose(
    host: str | Host,
    *,
    inventory: Sequence[str | Path] = (),
    variables: Mapping[str, Any] | None = None,
    timeout: float = 4,
    outside_only: bool = False,
    only: Sequence[str] = (),
    accept_new_host_key: bool = False,
) -> Report:
    """Why a client cannot get in to one host, from both sides.

    ``host`` is one of the inventory's, ``user@address:port``, or a ``Host``; ``variables`` hold over the
    inventory's, as with ``-e``; ``timeout`` is in seconds. Raises InputError.
    """
    sources = _sources(inventory)
    probing = ProbeOptions(
        timeout=timeout, outside_only=outside_only, accept_new_host_key=accept_new_host_key
    )
    setup = diagnosis_setup(check_folders(sources), probing, tuple(only))
    report = diagnose_host(_one(host, sources, variables), setup).report
    listed = catalog(playbook_folders(sources)) if report.causes else ()
    asked = Asked(again=_again(inventory), outside_only=outside_only, to_name=to_name(listed))
    return _finished(with_playbooks(report, listed), asked)


def remediate(
    host: str | Host,
    *,
    inventory: Sequence[str | Path] = (),
    variables: Mapping[str, Any] | None = None,
    timeout: float = 4,
    causes: Sequence[str] = (),
    check: bool = False,
    guard: int = 60,
    agree: Agree | None = None,
) -> Report:
    """Repair one host under guard, and prove it by dialling in again.

    Without ``agree`` what a proved first cause needs is agreed to, and what ``causes`` name. ``check``:
    nothing is changed, and the report's ``repair`` has what would be. ``guard``: after so many seconds a
    change undoes itself unless a new connection confirms it. Raises InputError, RemedyError.
    """
    from sshdoctor.remedy.repair import Proposal, repair

    if not 5 <= guard <= 3600:
        raise UsageError(f"guard={guard}: a number from 5 to 3600")
    sources = _sources(inventory)
    setup = diagnosis_setup(check_folders(sources), ProbeOptions(timeout=timeout))
    repairs = RepairSetup.of(setup, playbook_folders(sources))
    one = _one(host, sources, variables)

    def agreed(proposal: Proposal) -> Any:
        shown = [step.shown for step in proposal.steps]
        proved = any(cause.confidence == "proved" for cause in proposal.report.causes[:1])
        may = agree(shown) if agree else bool(causes) or proved
        return proposal.steps if may else ()

    choice = Choice(seconds=guard, causes=tuple(causes), check=check)
    with closing(diagnose_to_repair(one, repairs)) as before:
        report = repair(one, before, repairs, choice, agreed)
    return _finished(report, Asked(again=_again(inventory), to_name=to_name(repairs.playbooks())))


def _finished(report: HostReport, asked: Asked) -> Report:
    return Report(replace(report, next=next_commands(report, asked)))


def _sources(inventory: Sequence[str | Path]) -> tuple[Path, ...]:
    return find_sources([Path(name) for name in inventory], os.environ)


def _again(inventory: Sequence[str | Path]) -> tuple[str, ...]:
    return tuple(word for name in inventory for word in ("--inventory", str(name)))


def _one(host: str | Host, sources: Sequence[Path], variables: Mapping[str, Any] | None) -> Host:
    if isinstance(host, Host):
        return host
    found = load_hosts(host, sources or None, os.environ, TypedVariables(strong=variables or {}))
    if len(found) != 1:
        raise UsageError(f"{host!r} means {len(found)} hosts: name one")
    return found[0]
