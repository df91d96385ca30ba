"""The command ``diagnose``: hosts in, reports out, and the exit code that the verdicts come to."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from sshdoctor.commands.shared import exit_codes
from sshdoctor.commands.shared.fleet import examine, examine_all
from sshdoctor.commands.shared.options import (
    Interrupted,
    Options,
    hosts_of,
    in_order,
    jobs_of,
    one_host,
    probe_options,
    shown_progress,
    write,
)
from sshdoctor.diagnosis.pipeline import diagnose
from sshdoctor.diagnosis.setup import DiagnosisSetup, diagnosis_setup
from sshdoctor.errors import UsageError
from sshdoctor.inventory.folders import check_folders, playbook_folders
from sshdoctor.model import Host, HostReport
from sshdoctor.reports import check_format

if TYPE_CHECKING:
    from sshdoctor.access.capture.capture import Capture


_PATIENCE = 1.2
"""So many seconds an interrupted diagnosis has for ending; it has changed nothing that would be put back."""


def run(options: Options) -> int:
    """Diagnose the hosts of ``options``, write the report, give the exit code. Raises CaptureError."""
    check_format(options.format, options.lang)
    probing, jobs = probe_options(options), jobs_of(options)
    hosts = [one_host(options, "--capture is of one host")] if options.capture else hosts_of(options)
    rooms = (f"reports.{options.format}_format",)
    setup = diagnosis_setup(check_folders(options.sources), probing, options.only, rooms)
    if options.scheduler or options.all_places:
        return _there(hosts, setup, options)
    if len(hosts) == 1:
        with shown_progress(hosts, options):
            reports = [examine(hosts[0], partial(_report, setup=setup, capture=options.capture))]
    else:
        try:
            reports = in_order(hosts, _diagnose_all(hosts, setup, jobs), options)
        except Interrupted as interrupted:
            _write_what_is_known(interrupted, options)
            raise
    write(*_with_playbooks(reports, options))
    return exit_codes.of_diagnoses(reports)


def _there(hosts: Sequence[Host], setup: DiagnosisSetup, options: Options) -> int:
    """By the workers of a scheduler. Raises UsageError."""
    if not options.scheduler or options.capture:
        raise UsageError(
            "--scheduler asks hosts, and --capture is what one said"
            if options.scheduler
            else "--all-places is of --scheduler: its workers are the places"
        )
    from sshdoctor.commands.shared.scheduler.fleet import LEFT, examine_there

    found = examine_there(hosts, setup, options.scheduler, all_places=options.all_places)
    try:
        reports = in_order(hosts, found, options, running=LEFT)
    except Interrupted as interrupted:
        _write_what_is_known(interrupted, options)
        raise
    write(*_with_playbooks(reports, options))
    return exit_codes.of_diagnoses(reports)


def _write_what_is_known(interrupted: Interrupted, options: Options) -> None:
    if interrupted.reports:
        write(*_with_playbooks(interrupted.reports, options))


def _diagnose_all(hosts: Sequence[Host], setup: DiagnosisSetup, jobs: int) -> Generator[HostReport]:
    setup.prepare()
    yield from examine_all(hosts, partial(_report, setup=setup), jobs, _PATIENCE)


def _report(host: Host, setup: DiagnosisSetup, capture: Capture | None = None) -> HostReport:
    return diagnose(host, setup, capture=capture).report


def _with_playbooks(
    reports: Sequence[HostReport], options: Options
) -> tuple[Sequence[HostReport], Options, frozenset[str]]:
    """The reports, each cause with the playbooks that mend it, and the causes that have to be named for that.

    Playbooks are read only if there is a cause.
    """
    if not any(report.causes for report in reports):
        return reports, options, frozenset()
    from sshdoctor.remedy.playbook.catalog import catalog, to_name, with_playbooks

    listed = catalog(playbook_folders(options.sources))
    return [with_playbooks(report, listed) for report in reports], options, to_name(listed)
