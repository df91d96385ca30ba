"""The command ``diagnose``: hosts in, reports out, and the exit code that the verdicts come to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sshdoctor.access import prepare
from sshdoctor.command_line import exit_codes
from sshdoctor.command_line.catalogs import diagnosis_setup, playbook_folders
from sshdoctor.command_line.options import Options, hosts_of, in_order, jobs_of, probe_options, write
from sshdoctor.diagnosis.pipeline import DiagnosisSetup, diagnose
from sshdoctor.errors import UsageError
from sshdoctor.model import Host, HostReport
from sshdoctor.reports import check_format

if TYPE_CHECKING:
    from sshdoctor.access.capture.capture import Capture


def run(options: Options, capture: Capture | None = None) -> int:
    """Diagnose the hosts of ``options``, write the report, give the exit code.

    A ``capture`` of the one host is asked instead of the host itself. Raises CaptureError.
    """
    check_format(options.format, options.lang)
    probing, jobs, hosts = probe_options(options), jobs_of(options), hosts_of(options)
    if capture and len(hosts) != 1:
        raise UsageError(f"--capture is of one host, and --host {options.pattern} means {len(hosts)}")
    setup = diagnosis_setup(options.sources, probing, options.only, (f"reports.{options.format}_format",))
    if len(hosts) == 1:
        reports = [diagnose(hosts[0], setup, capture=capture).report]
    else:
        reports = in_order(hosts, _diagnose_all(hosts, setup, jobs))
    write(_with_playbooks(reports, options.sources), options)
    return exit_codes.of_diagnoses(reports)


def _diagnose_all(hosts: Sequence[Host], setup: DiagnosisSetup, jobs: int) -> Iterable[HostReport]:
    from sshdoctor.command_line.fleet import examine_all

    setup.wanted(), setup.checks()  # once, before the workers are forked
    prepare()
    return examine_all(hosts, partial(_report, setup=setup), jobs)


def _report(host: Host, setup: DiagnosisSetup) -> HostReport:
    return diagnose(host, setup).report


def _with_playbooks(reports: Sequence[HostReport], sources: Sequence[Path]) -> Sequence[HostReport]:
    """The reports, each cause with the playbooks that mend it; they are read only if there is a cause."""
    if not any(report.causes for report in reports):
        return reports
    from sshdoctor.remedy.playbook.catalog import catalog, with_playbooks

    listed = catalog(playbook_folders(sources))
    return [with_playbooks(report, listed) for report in reports]
