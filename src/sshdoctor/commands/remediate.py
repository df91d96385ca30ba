"""The tasks that change hosts: ``remediate``, ``playbook``, ``undo``; and ``playbooks``, which lists."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from importlib import import_module
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor import facts
from sshdoctor.background import once
from sshdoctor.checks.load import Check
from sshdoctor.commands import diagnose
from sshdoctor.diagnosis.inside import Topics
from sshdoctor.diagnosis.outside import Manner
from sshdoctor.document import parse_yaml
from sshdoctor.errors import UsageError
from sshdoctor.fleet import examine_all
from sshdoctor.model import Host, HostReport
from sshdoctor.options import (
    Request,
    hosts_of,
    jobs_of,
    manner_of,
    number,
    show_text,
    terminal,
    told_in_order,
    write,
    write_program,
)
from sshdoctor.remedy.consent import Answer, Choice, agreed_to_undo, ask_on_terminal, chosen, is_terminal
from sshdoctor.remedy.examine import Examined, Tools, examine
from sshdoctor.remedy.playbook.catalog import Listed, shelf
from sshdoctor.reports import check_format, render
from sshdoctor.reports.repair_text import diffs, plan_text

if TYPE_CHECKING:
    from sshdoctor.access.capture.capture import Capture
    from sshdoctor.remedy.plan import Step
    from sshdoctor.remedy.playbook.model import Playbook
    from sshdoctor.remedy.repair import Proposal

# What plans and repairs is imported where it is used: while a host is already answering.

_FAILED = ("failed", "rolled-back")


class Wish(Struct, frozen=True, kw_only=True):
    """What the tasks that change hosts add to a diagnosis, as typed."""

    check: bool
    diff: bool
    yes: bool
    guard: str
    narrow: bool
    script: str = ""
    """Change nothing: write the plan to this file, for a console."""


def remediate(request: Request, wish: Wish, causes: tuple[str, ...], capture: Capture | None = None) -> int:
    """Repair the hosts of ``request``, write the report, give the exit code.

    A ``capture`` of the one host is asked instead of it, for a script. Raises CaptureError.
    """
    choice = _choice(wish, causes)
    if wish.script:
        return _write_script(request, wish, choice, capture)

    def work(host: Host, before: Examined, tools: Tools) -> HostReport:
        from sshdoctor.remedy.repair import repair

        return repair(host, before, tools, choice, partial(_agree, wish=wish))

    return _each(request, work, wish)


def _write_script(request: Request, wish: Wish, choice: Choice, capture: Capture | None) -> int:
    from sshdoctor.remedy.repair import write_down
    from sshdoctor.rescue.fix import fix_script

    check_format(request.format, request.lang)
    manner, hosts = manner_of(request), hosts_of(request)
    if len(hosts) != 1:
        raise UsageError(f"--script is for one host, and --host {request.pattern} means {len(hosts)}")
    tools = _tools(request.sources, manner)
    with closing(examine(hosts[0], tools, capture)) as before:

        def written(steps: Sequence[Step], forecast: str) -> str:
            write_program(wish.script, fix_script(before.report, steps, forecast, choice.seconds), "--script")
            return f"Run it as root at the console: sh {quote(wish.script)}"

        report = write_down(hosts[0], before, tools, choice, written)
    write([report], request)
    return exit_code([report])


def run_playbook(
    request: Request, wish: Wish, name: str, extra: Sequence[str], *, export: bool = False
) -> int:
    """Run the playbook ``name``, or with ``export`` only print its variables."""
    choice = _choice(wish, ())
    playbook = _named(name, diagnose.playbook_folders(request.sources))
    variables = _extra(extra)
    if export:
        return _export(request, choice, playbook, variables)

    def work(host: Host, before: Examined, tools: Tools) -> HostReport:
        from sshdoctor.remedy.repair import run_one

        agree = partial(_agree, wish=wish)
        return run_one(host, before, tools, choice, agree, playbook=playbook, extra=variables)

    return _each(request, work, wish)


def undo(request: Request, *, yes: bool) -> int:
    """Put back what the last remedy changed on the hosts of ``request``."""
    check_format(request.format, request.lang)
    manner, hosts = manner_of(request), hosts_of(request)
    if not yes and not agreed_to_undo([host.name for host in hosts]):
        return 1
    from sshdoctor.remedy.repair import take_back

    tools = _tools(request.sources, manner)
    write([_examined(_service_last(host), tools, take_back) for host in hosts], request)
    return 0


def _service_last(host: Host) -> Host:
    """The service may be what an undo breaks again: any other way in lives longer."""
    by_service = sorted(host.ways, key=lambda way: way.connection == "ssh" and way.login == host.login)
    return replace(host, ways=tuple(by_service))


_Work = Callable[[Host, Examined, Tools], HostReport]


def _examined(host: Host, tools: Tools, work: _Work) -> HostReport:
    """What ``work`` comes to on a host that has been looked at, its way in still open."""
    with closing(examine(host, tools)) as before:
        return work(host, before, tools)


def _each(request: Request, work: _Work, wish: Wish) -> int:
    """The exit code of ``work`` on each host."""
    check_format(request.format, request.lang)
    manner, jobs, hosts = manner_of(request), jobs_of(request), hosts_of(request)
    tools = _tools(request.sources, manner)
    if len(hosts) > 1:
        tools.read()  # once, before the workers are forked
    asks = not (wish.yes or wish.check)  # one terminal answers for one host at a time
    examined = partial(_examined, tools=tools, work=work)
    reports = told_in_order(hosts, examine_all(hosts, examined, 1 if asks else jobs))
    write(reports, request)
    return exit_code(reports)


def _choice(wish: Wish, causes: tuple[str, ...]) -> Choice:
    seconds = int(number("--guard", wish.guard, 5, 3600))
    return Choice(seconds=seconds, causes=causes, check=wish.check, narrow=wish.narrow)


def _tools(sources: Sequence[Path], manner: Manner) -> Tools:
    """The checks and playbooks, shipped and the user's own. Raises CheckError.

    What no question hangs on is read while a host answers; that raises CheckError as well.
    """
    own = len(diagnose.check_folders(sources)) > 1
    checks = diagnose.load(sources) if own else ()
    topics = diagnose.topics_of(checks) if own else Topics(facts=facts.names())
    return Tools(topics=topics, read=once(lambda: _read(sources, checks)), manner=manner)


def _read(sources: Sequence[Path], own: Sequence[Check]) -> tuple[Sequence[Check], Sequence[Listed]]:
    found = own or diagnose.load(sources), shelf(diagnose.playbook_folders(sources))
    for name in ("remedy.repair", "firewall.nft.json", "reports.text_format"):
        import_module(f"sshdoctor.{name}")  # 100 ms while the host is waited for
    return found


def show_repair(host: Host) -> bool:
    """Repair one host without asking, print the plan and the report for people; whether it is proved."""

    def agree(proposal: Proposal) -> tuple[Step, ...]:
        show_text(plan_text(proposal.report, [step.shown for step in proposal.steps], proposal.forecast))
        return proposal.steps

    def work(host: Host, before: Examined, tools: Tools) -> HostReport:
        from sshdoctor.remedy.repair import repair

        return repair(host, before, tools, Choice(seconds=60), agree)

    report = _examined(host, _tools([], Manner(timeout=4)), work)
    show_text("\n" + render([report], "text", **terminal()))
    return report.repair is not None and report.repair.outcome == "proved"


def _named(name: str, folders: Sequence[Path]) -> Playbook:
    from difflib import get_close_matches

    from sshdoctor.remedy.playbook.load import load_playbook

    known = {path.stem: path for folder in reversed(folders) for path in folder.glob("*.yml")}
    if name in known:
        return load_playbook(known[name])
    close = get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else "`sshdoctor playbooks` lists them"
    raise UsageError(f"there is no playbook {name!r}; {hint}" if name else f"which playbook? {hint}")


def _extra(words: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        data = {name: value} if equals and name.isidentifier() else parse_yaml(word, "--extra-vars")
        if not isinstance(data, Mapping):
            raise UsageError(f"--extra-vars {word}: NAME=VALUE, or YAML such as {{name: value}}")
        found |= data
    return found


def _export(request: Request, choice: Choice, playbook: Playbook, extra: Mapping[str, Any]) -> int:
    tools = _tools(request.sources, manner_of(request))
    from sshdoctor.remedy.repair import given

    for host in hosts_of(request):
        with closing(examine(host, tools)) as before:
            values = {**given(before, before.report.causes, choice), **extra}
        print(for_ansible({name: value for name, value in values.items() if name in playbook.variables}))
    return 0


def for_ansible(values: Mapping[str, Any]) -> str:
    """JSON for ``ansible-playbook -e @FILE``; what a host says is never run here by Ansible as a template.

    A text with a template in it gets YAML's tag ``!unsafe``, by which Ansible takes it as it stands
    (Ansible's documentation, "Unsafe or raw strings").
    """
    import json

    def marked(text: re.Match[str]) -> str:
        return f"!unsafe {text[0]}" if re.search(r"\{[{%#]", text[0]) else text[0]

    return re.sub(r'"(?:[^"\\]|\\.)*"', marked, json.dumps(values, indent=2, sort_keys=True))


def _agree(proposal: Proposal, wish: Wish) -> tuple[Step, ...]:
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


def exit_code(reports: Sequence[HostReport]) -> int:
    """4 if a remedy failed or was rolled back; 0 where all are proved; else as the diagnosis has it."""
    return max((_code(report) for report in reports), default=0)


def _code(report: HostReport) -> int:
    outcome = report.repair.outcome if report.repair else "nothing-to-do"
    if outcome in _FAILED:
        return 4
    if outcome == "proved" and not any(cause.role == "root" for cause in report.causes):
        return 0
    if outcome == "declined":
        return 1
    return diagnose.exit_code([report])


def list_playbooks(inventories: Sequence[str]) -> int:
    """Print a line for each playbook, and one for what it mends."""
    from sshdoctor.remedy.playbook.load import load_playbooks

    for playbook in load_playbooks(diagnose.playbook_folders([Path(name) for name in inventories])):
        print(f"{playbook.id:28} {playbook.title}")
        if playbook.remedy.mends:
            asked = ", only with --cause" if playbook.remedy.only_with_cause else ""
            print(f"{'':28} mends {', '.join(playbook.remedy.mends)} (risk {playbook.remedy.risk}{asked})")
    return 0
