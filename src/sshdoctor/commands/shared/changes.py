"""What the commands that change hosts share: their options, asking first, and one pass over the hosts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from sshdoctor.commands.shared import exit_codes
from sshdoctor.commands.shared.fleet import examine_all
from sshdoctor.commands.shared.options import (
    Interrupted,
    Options,
    hosts_of,
    in_order,
    jobs_of,
    number,
    probe_options,
    write,
)
from sshdoctor.diagnosis.outside import ProbeOptions
from sshdoctor.diagnosis.pipeline import Diagnosis
from sshdoctor.diagnosis.setup import diagnosis_setup
from sshdoctor.errors import UsageError
from sshdoctor.inventory.folders import check_folders, playbook_folders
from sshdoctor.model import Host, HostReport
from sshdoctor.remedy.consent import Answer, Choice, ask_on_terminal, chosen, is_terminal
from sshdoctor.remedy.playbook.catalog import to_name
from sshdoctor.remedy.setup import RepairSetup, diagnose_to_repair
from sshdoctor.reports import check_format
from sshdoctor.reports.repair_text import diffs, plan_text

if TYPE_CHECKING:
    from sshdoctor.remedy.plan import Step
    from sshdoctor.remedy.repair import Proposal

# What plans and repairs is imported where it is used: while a host is already answering.

HostWork = Callable[[Host, Diagnosis, RepairSetup], HostReport]
"""What is done with a host that has been diagnosed, its way in still open."""


class ChangeOptions(Struct, frozen=True, kw_only=True):
    """What the tasks that change hosts add to a diagnosis, as typed."""

    check: bool
    diff: bool
    yes: bool
    guard: str
    source: str
    hold: str = ""
    """For how long to open: ``15m``, ``2h``."""
    script: str = ""
    """Change nothing: write the plan to this file, for a console."""


def repair_setup(sources: Sequence[Path], probing: ProbeOptions) -> RepairSetup:
    """How every host of this run is diagnosed, and which playbooks there are."""
    setup = diagnosis_setup(check_folders(sources), probing, rooms=("remedy.repair", "reports.text_format"))
    return RepairSetup.of(setup, playbook_folders(sources))


def choice_of(wish: ChangeOptions, causes: tuple[str, ...] = ()) -> Choice:
    """What a person wants, checked. Raises UsageError."""
    seconds = int(number("--guard", wish.guard, 5, 3600))
    source = _source(wish.source)
    return Choice(
        seconds=seconds,
        causes=causes,
        check=wish.check,
        source=source,
        unasked=wish.yes,
        hold=_duration(wish.hold),
    )


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _duration(text: str) -> int:
    """Seconds of ``90s``, ``15m``, ``2h``, ``1d``; 0 for nothing. Raises UsageError."""
    if not text:
        return 0
    unit = _UNITS.get(text[-1:], 0)
    if not unit or not text[:-1].isdecimal() or not 10 <= int(text[:-1]) * unit <= 7 * 86400:
        raise UsageError(f"--for {text}: a time from 10s to 7d, such as 15m or 2h")
    return int(text[:-1]) * unit


def _source(text: str) -> str:
    if text in ("", "any"):
        return text
    try:
        return str(ip_network(text, strict=False))
    except ValueError:
        raise UsageError(f"--source {text}: any, an address, or a network such as 192.0.2.0/24") from None


def work_on(host: Host, setup: RepairSetup, work: HostWork) -> HostReport:
    """What ``work`` comes to on a host that has been diagnosed, its way in still open."""
    with closing(diagnose_to_repair(host, setup)) as before:
        return work(host, before, setup)


Code = Callable[[Sequence[HostReport]], int]
"""The exit code that reports come to."""


def work_on_each(
    options: Options,
    work: HostWork,
    wish: ChangeOptions,
    code: Code = exit_codes.of_repairs,
    *,
    asks_anyway: bool = False,
) -> int:
    """Do ``work`` on each host, write the report, give the exit code.

    ``asks_anyway``: the work has questions of its own, beside consent.
    """
    check_format(options.format, options.lang)
    probing, jobs, hosts = probe_options(options), jobs_of(options), hosts_of(options)
    setup = repair_setup(options.sources, probing)
    if len(hosts) > 1:
        setup.prepare()
    asks = asks_anyway or not (wish.yes or wish.check)  # one terminal answers for one host at a time
    examined = partial(work_on, setup=setup, work=work)
    done = examine_all(hosts, examined, 1 if asks else jobs)
    try:
        reports = in_order(hosts, done, options, asks=asks)
    except Interrupted as interrupted:
        if interrupted.reports:
            write(interrupted.reports, options, to_name(setup.playbooks()))
        raise
    write(reports, options, to_name(setup.playbooks()))
    return code(reports)


def agree(proposal: Proposal, wish: ChangeOptions) -> tuple[Step, ...]:
    shown = tuple(step.shown for step in proposal.steps)
    sys.stderr.write(plan_text(proposal.report, shown, proposal.forecast))
    if wish.diff:
        for step in proposal.steps:
            sys.stderr.write(_previewed(proposal, step))
    if wish.yes:
        return proposal.steps
    if not is_terminal():
        sys.stderr.write("Nothing is changed: nobody is there to be asked (--yes agrees to all of it).\n")
        return ()

    def ask(step: Step) -> Answer:
        return ask_on_terminal(step, partial(_previewed, proposal))

    return chosen(proposal.steps, ask)


def _previewed(proposal: Proposal, step: Step) -> str:
    return diffs(proposal.preview(step).tasks)
