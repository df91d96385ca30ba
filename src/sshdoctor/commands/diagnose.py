"""The task ``diagnose``: hosts in, reports out, and the exit code that the verdicts come to."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from sshdoctor.background import Ahead, once
from sshdoctor.diagnosis.outside import Manner, Visit, visit
from sshdoctor.errors import UsageError
from sshdoctor.inventory import complete
from sshdoctor.model import LAYERS, Host, HostReport
from sshdoctor.options import (
    Request,
    hosts_of,
    jobs_of,
    manner_of,
    show_text,
    terminal,
    told_in_order,
    write,
)
from sshdoctor.reports import check_format, render
from sshdoctor.resources import shipped

if TYPE_CHECKING:
    from sshdoctor.access.capture.capture import Capture
    from sshdoctor.checks.load import Check
    from sshdoctor.diagnosis.inside import Interview, Topics

# The other rooms are imported where they are used: while the client's side is already under way.

OWN_CHECKS = "sshdoctor_checks"
"""The folder beside an inventory that holds the user's own checks."""

OWN_PLAYBOOKS = "sshdoctor_playbooks"
"""The folder beside an inventory that holds the user's own playbooks."""


def run(request: Request, capture: Capture | None = None) -> int:
    """Diagnose the hosts of ``request``, write the report, give the exit code.

    A ``capture`` of the one host is asked instead of the host itself. Raises CaptureError.
    """
    check_format(request.format, request.lang)
    manner, jobs, hosts = manner_of(request), jobs_of(request), hosts_of(request)
    if capture and len(hosts) != 1:
        raise UsageError(f"--capture is of one host, and --host {request.pattern} means {len(hosts)}")
    if len(hosts) == 1:
        reports = [_examine_one(hosts[0], request.sources, request, manner, capture)]
    else:
        reports = _examine_all(hosts, request.sources, request, manner, jobs)
    write(_with_playbooks(reports, request.sources), request)
    return exit_code(reports)


def _with_playbooks(reports: Sequence[HostReport], sources: Sequence[Path]) -> Sequence[HostReport]:
    """The reports, each cause with the playbooks that mend it; they are read only if there is a cause."""
    if not any(report.causes for report in reports):
        return reports
    from sshdoctor.remedy.playbook.catalog import shelf, with_playbooks

    listed = shelf(playbook_folders(sources))
    return [with_playbooks(report, listed) for report in reports]


def show(host: Host) -> tuple[str, ...]:
    """Diagnose one host, print the report for people, give the ids of the causes."""
    report = diagnose_host(host, load([]), Manner(timeout=4))
    show_text(render([report], "text", **terminal()))
    return tuple(cause.id for cause in report.causes)


def given_capture(file: str) -> Capture:
    """The capture that ``--capture`` names; ``-`` is one that is pasted. Raises CaptureError."""
    from sshdoctor.access.capture.capture import read_capture, read_capture_file
    from sshdoctor.access.capture.lines import LARGEST

    if file != "-":
        return read_capture_file(file)
    if sys.stdin.isatty():
        print("Paste the capture, then type Ctrl-D on a line of its own.", file=sys.stderr)
    return read_capture(sys.stdin.buffer.read(LARGEST + 1), "standard input")


def _examine_one(
    host: Host, sources: Sequence[Path], request: Request, manner: Manner, capture: Capture | None
) -> HostReport:
    """The report on one host; what comes later is read and imported while the host is waited for."""
    visited = Ahead(lambda: look(host, manner))
    if host.ways[0].connection != "local":
        import_module(
            "sshdoctor.access.ssh.connection"
        )  # while the service is dialled; the rest while it logs us in
    # Only a choice of checks, or the user's own, changes what the host is asked.
    checks = load(sources, request.only) if request.only or len(check_folders(sources)) > 1 else None
    from sshdoctor import facts
    from sshdoctor.diagnosis.inside import Topics, interview

    topics = topics_of(checks) if checks else Topics(facts=facts.names())
    facts.commands(topics.facts)
    completed, seen = visited.result()
    later = once(lambda: _read_later(sources, request, checks))
    said = interview(completed, seen, topics, manner, capture=capture, meanwhile=later)
    return conclude(completed, seen, said, later())


def _read_later(sources: Sequence[Path], request: Request, checks: Sequence[Check] | None) -> Sequence[Check]:
    loaded = checks or load(sources)
    for name in ("diagnosis.report", "firewall", "firewall.nft.json", f"reports.{request.format}_format"):
        import_module(f"sshdoctor.{name}")
    return loaded


def _examine_all(
    hosts: Sequence[Host], sources: Sequence[Path], request: Request, manner: Manner, jobs: int
) -> list[HostReport]:
    from sshdoctor.fleet import examine_all

    checks = load(sources, request.only)
    for name in ("access.ssh.connection", "diagnosis.report", "firewall"):
        import_module(f"sshdoctor.{name}")  # once, before the workers are forked
    return told_in_order(
        hosts, examine_all(hosts, partial(diagnose_host, checks=checks, manner=manner), jobs)
    )


def diagnose_host(host: Host, checks: Sequence[Check], manner: Manner) -> HostReport:
    """The report on one host."""
    from sshdoctor.diagnosis.inside import interview

    completed, seen = look(host, manner)
    return conclude(completed, seen, interview(completed, seen, topics_of(checks), manner), checks)


def look(host: Host, manner: Manner) -> tuple[Host, Visit]:
    """The host with what the user's ssh_config adds, and what a client gets there."""
    completed, began = complete(host), time.time()
    return completed, replace(visit(completed, manner), when=began)


def topics_of(checks: Sequence[Check]) -> Topics:
    """What the host must be asked to answer ``checks``."""
    from sshdoctor.diagnosis.derived import facts_of
    from sshdoctor.diagnosis.inside import Topics

    return Topics(facts=facts_of(checks), own={check.id: check.run for check in checks if check.run})


def conclude(host: Host, seen: Visit, said: Interview, checks: Sequence[Check]) -> HostReport:
    from sshdoctor.diagnosis import report as room

    return room.conclude(host, seen, said, checks)


def exit_code(reports: Iterable[HostReport]) -> int:
    """0 if every host is reachable and has no cause, 3 if any is undecided, else 1."""
    codes = [3 if r.verdict == "undecided" else 1 if r.causes else 0 for r in reports]
    return max(codes, default=0)


def load(sources: Sequence[Path], only: Sequence[str] = ()) -> tuple[Check, ...]:
    """The checks to ask: the shipped ones and the user's own. Raises CheckError, UsageError."""
    from sshdoctor import facts
    from sshdoctor.checks.load import load_checks
    from sshdoctor.diagnosis.derived import DERIVED

    types = {name: facts.load(name).VALUE for name in facts.names()}
    return chosen(load_checks(check_folders(sources), {**types, **DERIVED}), only)


def check_folders(sources: Sequence[Path]) -> tuple[Path, ...]:
    """The shipped checks, and the user's own beside each inventory."""
    beside = dict.fromkeys(source.parent / OWN_CHECKS for source in sources or [Path("inventory.yml")])
    return (shipped("checks"), *(folder for folder in beside if folder.is_dir()))


def playbook_folders(sources: Sequence[Path]) -> tuple[Path, ...]:
    """The shipped playbooks, and the user's own beside each inventory."""
    beside = dict.fromkeys(source.parent / OWN_PLAYBOOKS for source in sources or [Path("inventory.yml")])
    return (shipped("playbooks"), *(folder for folder in beside if folder.is_dir()))


def chosen(checks: tuple[Check, ...], only: Sequence[str]) -> tuple[Check, ...]:
    """The checks that ``--only`` names by layer or id, with those that must be asked before them."""
    if not only:
        return checks
    by_id = {check.id: check for check in checks}
    unknown = [word for word in only if word not in by_id and word not in LAYERS]
    if unknown:
        raise UsageError(
            f"--only {unknown[0]}: neither a layer ({', '.join(LAYERS)}) nor a check; "
            "`sshdoctor checks` lists them"
        )
    wanted = {check.id for check in checks if check.id in only or check.layer in only}
    while before := {name for ident in wanted for name in by_id[ident].after} - wanted:
        wanted |= before
    return tuple(check for check in checks if check.id in wanted)


def list_checks(inventories: Sequence[str]) -> int:
    """Print a line for each check and its causes."""
    for check in load([Path(name) for name in inventories]):
        print(f"{check.layer + '/' + check.id:42} {check.title}")
        print(f"{'':42} finds {', '.join(dict.fromkeys(rule.id for rule in check.causes))}")
    return 0
