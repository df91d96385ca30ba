"""The tasks that change hosts: ``remediate``, ``playbook``, ``undo``; and ``playbooks``, which lists."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct

from sshdoctor import diagnose
from sshdoctor.diagnosis.visit import Manner
from sshdoctor.document import parse_yaml
from sshdoctor.errors import UsageError
from sshdoctor.fleet import examine_all
from sshdoctor.model import Host, HostReport
from sshdoctor.remedy.consent import Answer, agreed_to_undo, ask_on_terminal, chosen, is_terminal
from sshdoctor.remedy.examine import Tools
from sshdoctor.remedy.load import load_playbook, load_playbooks
from sshdoctor.remedy.plan import Step
from sshdoctor.remedy.playbook import Playbook
from sshdoctor.remedy.repair import Choice, Proposal, given, repair, run_one, take_back
from sshdoctor.remedy.shelf import shelf
from sshdoctor.render import check_format, render
from sshdoctor.render.repair_text import diffs, plan_text
from sshdoctor.request import (
    Request,
    hosts_of,
    jobs_of,
    manner_of,
    number,
    show_text,
    terminal,
    told_in_order,
    write,
)

_FAILED = ("failed", "rolled-back")


class Wish(Struct, frozen=True, kw_only=True):
    """What the tasks that change hosts add to a diagnosis, as typed."""

    check: bool
    diff: bool
    yes: bool
    guard: str
    narrow: bool


def remediate(request: Request, wish: Wish, causes: tuple[str, ...]) -> int:
    """Repair the hosts of ``request``, write the report, give the exit code."""
    choice = _choice(wish, causes)
    tools = tools_for(request)
    return _each(request, partial(repair, tools=tools, choice=choice, agree=partial(_agree, wish=wish)), wish)


def run_playbook(
    request: Request, wish: Wish, name: str, extra: Sequence[str], *, export: bool = False
) -> int:
    """Run the playbook ``name``, or with ``export`` only print its variables."""
    choice, tools = _choice(wish, ()), tools_for(request)
    playbook = _named(name, diagnose.playbook_folders(request.sources))
    variables = _extra(extra)
    if export:
        return _export(request, tools, choice, playbook, variables)
    agree = partial(_agree, wish=wish)
    work = partial(run_one, tools=tools, choice=choice, agree=agree, playbook=playbook, extra=variables)
    return _each(request, work, wish)


def undo(request: Request, *, yes: bool) -> int:
    """Put back what the last remedy changed on the hosts of ``request``."""
    check_format(request.format, request.lang)
    tools = tools_for(request)
    hosts = hosts_of(request)
    if not yes and not agreed_to_undo([host.name for host in hosts]):
        return 1
    write([take_back(host, tools) for host in hosts], request)
    return 0


def _each(request: Request, work: Callable[[Host], HostReport], wish: Wish) -> int:
    check_format(request.format, request.lang)
    hosts, jobs = hosts_of(request), jobs_of(request)
    asks = not (wish.yes or wish.check)  # one terminal answers for one host at a time
    reports = told_in_order(hosts, examine_all(hosts, work, 1 if asks else jobs))
    write(reports, request)
    return exit_code(reports)


def _choice(wish: Wish, causes: tuple[str, ...]) -> Choice:
    seconds = int(number("--guard", wish.guard, 5, 3600))
    return Choice(seconds=seconds, causes=causes, check=wish.check, narrow=wish.narrow)


def tools_for(request: Request) -> Tools:
    """The checks and playbooks, shipped and the user's own. Raises CheckError, UsageError."""
    return _tools(request.sources, manner_of(request))


def _tools(sources: Sequence[Path], manner: Manner) -> Tools:
    checks = diagnose.load(sources)
    return Tools(
        checks=checks,
        topics=diagnose.topics_of(checks),
        listed=shelf(diagnose.playbook_folders(sources)),
        manner=manner,
    )


def show_repair(host: Host) -> bool:
    """Repair one host without asking, print the plan and the report for people; whether it is proved."""

    def agree(proposal: Proposal) -> tuple[Step, ...]:
        show_text(plan_text(proposal.report, [step.shown for step in proposal.steps], proposal.forecast))
        return proposal.steps

    report = repair(host, _tools([], Manner(timeout=4)), Choice(seconds=60), agree)
    show_text("\n" + render([report], "text", **terminal()))
    return report.repair is not None and report.repair.outcome == "proved"


def _named(name: str, folders: Sequence[Path]) -> Playbook:
    from difflib import get_close_matches

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


def _export(
    request: Request, tools: Tools, choice: Choice, playbook: Playbook, extra: Mapping[str, Any]
) -> int:
    for host in hosts_of(request):
        values = {**given(host, tools, choice), **extra}
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
    for playbook in load_playbooks(diagnose.playbook_folders([Path(name) for name in inventories])):
        print(f"{playbook.id:28} {playbook.title}")
        if playbook.remedy.mends:
            asked = ", only with --cause" if playbook.remedy.only_with_cause else ""
            print(f"{'':28} mends {', '.join(playbook.remedy.mends)} (risk {playbook.remedy.risk}{asked})")
    return 0
