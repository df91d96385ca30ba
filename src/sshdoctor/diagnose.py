"""The task ``diagnose``: hosts in, reports out, and the exit code that the verdicts come to."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from sshdoctor.checks.load import Check, load_checks
from sshdoctor.diagnosis.conclude import conclude
from sshdoctor.diagnosis.derived import DERIVED
from sshdoctor.diagnosis.interview import interview
from sshdoctor.diagnosis.visit import Manner, visit
from sshdoctor.errors import UsageError
from sshdoctor.facts import load, names
from sshdoctor.fleet import examine_all
from sshdoctor.inventory import complete, load_hosts
from sshdoctor.model import LAYERS, Host, HostReport
from sshdoctor.render import formats, render
from sshdoctor.resources import shipped

OWN_CHECKS = "sshdoctor_checks"
"""The folder beside an inventory that holds the user's own checks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked on the command line, as typed."""

    pattern: str
    inventories: tuple[str, ...]
    form: str
    output: str
    jobs: str
    timeout: str
    outside_only: bool
    only: tuple[str, ...]
    known_hosts: str
    accept_new_host_key: bool


def run(request: Request) -> int:
    """Diagnose the hosts of ``request``, write the report, give the exit code."""
    if request.form not in formats():
        raise UsageError(f"--format {request.form}: there are {', '.join(formats())}")
    manner = Manner(
        timeout=_number("--timeout", request.timeout, 0.1, 600),
        outside_only=request.outside_only,
        accept_new_host_key=request.accept_new_host_key,
    )
    jobs = int(_number("--jobs", request.jobs, 1, 512))
    sources = [Path(name) for name in request.inventories]
    checks = chosen(load_checks(check_folders(sources), fact_types()), request.only)
    found = load_hosts(request.pattern, sources or None, os.environ)
    hosts = [_with_known_hosts(host, request.known_hosts) for host in found]
    work = partial(diagnose_host, checks=checks, manner=manner)
    reports = _told_in_order(hosts, examine_all(hosts, work, jobs))
    _write(reports, request)
    return exit_code(reports)


def diagnose_host(host: Host, checks: Sequence[Check], manner: Manner) -> HostReport:
    """The report on one host."""
    completed = complete(host)
    seen = visit(completed, manner)
    said = interview(completed, seen, checks, manner)
    return conclude(completed, seen, said, checks)


def exit_code(reports: Iterable[HostReport]) -> int:
    """0 if every host is reachable and has no cause, 3 if any is undecided, else 1."""
    codes = [3 if r.verdict == "undecided" else 1 if r.causes else 0 for r in reports]
    return max(codes, default=0)


def fact_types() -> dict[str, type]:
    """Every fact that a check may name, the host's and the derived ones, and its dataclass."""
    return {**{name: load(name).VALUE for name in names()}, **DERIVED}


def check_folders(sources: Sequence[Path]) -> tuple[Path, ...]:
    """The shipped checks, and the user's own beside each inventory."""
    beside = dict.fromkeys(source.parent / OWN_CHECKS for source in sources or [Path("inventory.yml")])
    return (shipped("checks"), *(folder for folder in beside if folder.is_dir()))


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
    for check in load_checks(check_folders([Path(name) for name in inventories]), fact_types()):
        print(f"{check.layer + '/' + check.id:42} {check.title}")
        print(f"{'':42} finds {', '.join(dict.fromkeys(rule.id for rule in check.causes))}")
    return 0


def _number(flag: str, text: str, least: float, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise UsageError(f"{flag} {text}: a number from {least:g} to {most:g}")
    return value


def _with_known_hosts(host: Host, file: str) -> Host:
    if not file:
        return host
    if not Path(file).is_file():
        raise UsageError(f"--known-hosts {file}: there is no such file")
    return replace(host, login=replace(host.login, known_hosts=(file,)))


def _told_in_order(hosts: Sequence[Host], reports: Iterable[HostReport]) -> list[HostReport]:
    """All reports in the order of ``hosts``; with several, a line of progress for each that ends."""
    done: dict[str, HostReport] = {}
    for report in reports:
        done[report.host] = report
        if len(hosts) > 1:
            first = report.causes[0].id if report.causes else report.outside[0].word
            print(f"[{len(done)}/{len(hosts)}] {report.host}: {report.verdict} ({first})", file=sys.stderr)
    return [done[host.name] for host in hosts]


def _write(reports: Sequence[HostReport], request: Request) -> None:
    terminal = not request.output and sys.stdout.isatty()
    colour = terminal and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    width = min(os.get_terminal_size().columns, 100) if terminal else 80
    text = render(reports, request.form, colour=colour, width=width)
    if not request.output:
        sys.stdout.write(text)
        return
    try:
        Path(request.output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--output {request.output}: {error.strerror}") from None
