"""The task ``diagnose``: hosts in, reports out, and the exit code that the verdicts come to."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sshdoctor.ahead import Ahead
from sshdoctor.diagnosis.visit import Manner, Visit, visit
from sshdoctor.errors import UsageError
from sshdoctor.inventory import complete, load_hosts
from sshdoctor.model import LAYERS, Host, HostReport, Login
from sshdoctor.render import formats, render
from sshdoctor.resources import shipped

if TYPE_CHECKING:
    from sshdoctor.checks.load import Check
    from sshdoctor.diagnosis.interview import Interview, Topics

# The other rooms are imported where they are used: while the client's side is already under way.

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
    hosts = [
        _with_known_hosts(host, request.known_hosts)
        for host in load_hosts(request.pattern, sources or None, os.environ)
    ]
    if len(hosts) == 1:
        reports = [_examine_one(hosts[0], sources, request, manner)]
    else:
        reports = _examine_all(hosts, sources, request, manner, jobs)
    _write(reports, request)
    return exit_code(reports)


def show(host: Host) -> tuple[str, ...]:
    """Diagnose one host, print the report for people, give the ids of the causes."""
    report = diagnose_host(host, load([]), Manner(timeout=4))
    _print(render([report], "text", **_terminal()))
    return tuple(cause.id for cause in report.causes)


def _examine_one(host: Host, sources: Sequence[Path], request: Request, manner: Manner) -> HostReport:
    """The report on one host; what comes later is read and imported while the host is waited for."""
    visited = Ahead(lambda: look(host, manner))
    if host.ways[0].connection != "local":
        import_module("sshdoctor.access.ssh")  # while the service is dialled; the rest while it logs us in
    # Only a choice of checks, or the user's own, changes what the host is asked.
    checks = load(sources, request.only) if request.only or len(check_folders(sources)) > 1 else None
    from sshdoctor import facts
    from sshdoctor.diagnosis.interview import Topics, interview

    topics = topics_of(checks) if checks else Topics(facts=facts.names())
    facts.commands(topics.facts)
    completed, seen = visited.result()
    later = Ahead(lambda: _read_later(sources, request, checks))
    said = interview(completed, seen, topics, manner)
    return conclude(completed, seen, said, later.result())


def _read_later(sources: Sequence[Path], request: Request, checks: Sequence[Check] | None) -> Sequence[Check]:
    loaded = checks or load(sources)
    for name in ("diagnosis.conclude", "firewall", f"render.{request.form}_format"):
        import_module(f"sshdoctor.{name}")
    return loaded


def _examine_all(
    hosts: Sequence[Host], sources: Sequence[Path], request: Request, manner: Manner, jobs: int
) -> list[HostReport]:
    from sshdoctor.fleet import examine_all

    checks = load(sources, request.only)
    for name in ("access.ssh", "diagnosis.conclude", "firewall"):
        import_module(f"sshdoctor.{name}")  # once, before the workers are forked
    return _told_in_order(
        hosts, examine_all(hosts, partial(diagnose_host, checks=checks, manner=manner), jobs)
    )


def diagnose_host(host: Host, checks: Sequence[Check], manner: Manner) -> HostReport:
    """The report on one host."""
    from sshdoctor.diagnosis.interview import interview

    completed, seen = look(host, manner)
    return conclude(completed, seen, interview(completed, seen, topics_of(checks), manner), checks)


def look(host: Host, manner: Manner) -> tuple[Host, Visit]:
    """The host with what the user's ssh_config adds, and what a client gets there."""
    completed = complete(host)
    return completed, visit(completed, manner)


def topics_of(checks: Sequence[Check]) -> Topics:
    """What the host must be asked to answer ``checks``."""
    from sshdoctor.diagnosis.derived import facts_of
    from sshdoctor.diagnosis.interview import Topics

    return Topics(facts=facts_of(checks), own={check.id: check.run for check in checks if check.run})


def conclude(host: Host, seen: Visit, said: Interview, checks: Sequence[Check]) -> HostReport:
    from sshdoctor.diagnosis import conclude as room

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

    def told(login: Login) -> Login:
        return replace(login, known_hosts=(file,))

    ways = tuple(replace(way, login=told(way.login)) if way.login else way for way in host.ways)
    return replace(host, login=told(host.login), ways=ways)


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
    if not request.output:
        _print(render(reports, request.form, **_terminal()))
        return
    try:
        Path(request.output).write_text(render(reports, request.form), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--output {request.output}: {error.strerror}") from None


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _terminal() -> dict[str, Any]:
    """How wide the report may be, in columns, and whether coloured: only on a terminal that takes colours."""
    if not sys.stdout.isatty():
        return {"colour": False, "width": 80}
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return {"colour": not plain, "width": max(40, min(shutil.get_terminal_size().columns, 100))}
