"""``remediate --cause`` for what `examine` finds: plan, ask, stop it under guard, prove, told in words."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from math import ceil
from typing import Any

from msgspec import Struct

from sshdoctor.access.base import Access
from sshdoctor.commands.shared import exit_codes
from sshdoctor.commands.shared.changes import ChangeOptions, choice_of
from sshdoctor.commands.shared.letter import LANGUAGES, letter, notice_from
from sshdoctor.commands.shared.looking import look
from sshdoctor.commands.shared.options import Options, hosts_of, probe_options, terminal, write_text
from sshdoctor.commands.shared.ticking import ticking
from sshdoctor.diagnosis.inside import PROBE_ANSWERS, Inside, enter
from sshdoctor.diagnosis.outside import ProbeOptions
from sshdoctor.errors import AccessError, UsageError
from sshdoctor.examination.cleanup.causes import CAUSES
from sshdoctor.examination.cleanup.plan import Task, by_hand, passwords, still_there, tasks
from sshdoctor.examination.cleanup.proof import proofs
from sshdoctor.examination.document import host_entry
from sshdoctor.examination.findings import Examination
from sshdoctor.examination.notice import Notice
from sshdoctor.model import Host
from sshdoctor.remedy.cleanup import Cleanup, CleanupTask, check_cleanup, clean_up
from sshdoctor.remedy.consent import is_terminal
from sshdoctor.reports.layout.folded import folded

SCHEMA = "sshdoctor/examination/1"
FORMATS = ("json", "text", "ticket")
_NONE = Notice((), ())
_OUTCOMES = {
    "proved": "It is stopped.",
    "failed": "It is not stopped, or not proved to be.",
    "rolled-back": "A step failed, and what had been changed was put back.",
    "checked": "Nothing was changed (--check). This is what would be done:",
    "declined": "Nothing was changed: it was not agreed to.",
    "no-remedy": "Nothing was changed.",
    "managed": "Nothing was changed.",
}


class Done(Struct, frozen=True, kw_only=True):
    """What was found on one host, and what was done about it."""

    host: str
    found: Examination
    cleaned: Cleanup
    planned: tuple[Task, ...] = ()

    @property
    def proofs(self) -> tuple[str, ...]:
        """How each step of the examination's plan is proved."""
        visited = any(task.name.startswith("look whether every site") for task in self.cleaned.tasks)
        return proofs(self.found, done=self.cleaned.outcome == "proved", visited=visited)


def run(options: Options, wish: ChangeOptions, cause: str, notice: str = "") -> int:
    """Clean the hosts of ``options`` up, write the report, give the exit code. Raises UsageError."""
    if options.format not in FORMATS:
        raise UsageError(f"--format {options.format}: with --cause {cause} there are {', '.join(FORMATS)}")
    if options.lang != "en" and (options.format != "ticket" or options.lang not in LANGUAGES):
        raise UsageError(f"--lang {options.lang}: only ticket is written in {' and '.join(LANGUAGES)}")
    if wish.script or wish.hold or wish.source:
        raise UsageError(f"--script, --for and --source do not go with --cause {cause}")
    cited = notice_from(notice)
    probing, seconds = probe_options(options), choice_of(wish).seconds
    done = [cleaned_up(host, probing, cause, wish, seconds) for host in hosts_of(options)]
    write_text(_told(done, options, cited), options.output)
    return max((_code(one) for one in done), default=0)


def cleaned_up(host: Host, probing: ProbeOptions, cause: str, wish: ChangeOptions, seconds: int) -> Done:
    """Examine one host, plan, ask as ``wish`` has it, and do it under a guard of ``seconds``."""
    with ticking(lambda: f"examining {host.name}"):
        inside, found = look(host, probing)
    planned = tasks(found)
    try:
        why = _refusal(host, inside, found, planned, cause)
        if why or inside.access is None:
            cleaned = Cleanup(outcome="managed" if host.managed else "no-remedy", detail=why)
        else:
            cleaned = _cleaned(host, inside, inside.access, found, planned, probing, wish, seconds)
    finally:
        if inside.access is not None:
            inside.access.close()
    return Done(host=host.name, found=found, cleaned=cleaned, planned=planned)


def _refusal(host: Host, inside: Inside, found: Examination, planned: Sequence[Task], cause: str) -> str:
    """Why nothing is done; "" if the plan may be carried out."""
    if host.managed:
        return f"{host.managed} runs this host: nothing is changed here; ask them (examine --format ticket)."
    if inside.access is None:
        return "There is no way in to do it through: give one in sshdoctor_access."
    if found.kind != CAUSES[cause]:
        return f"{cause} was not found: this host is {found.kind}."
    if not planned:
        return "There is nothing that a program may do here: see what a person does."
    if inside.used.privileged is False:
        return "Root's rights are needed for this: set ansible_become, or be root there."
    return ""


def _cleaned(
    host: Host,
    inside: Inside,
    access: Access,
    found: Examination,
    planned: Sequence[Task],
    probing: ProbeOptions,
    wish: ChangeOptions,
    seconds: int,
) -> Cleanup:
    made = [
        CleanupTask(name=one.name, call=one.call, changes=one.changes, watches=one.watches) for one in planned
    ]
    if wish.check:
        return check_cleanup(access, made)
    if not _agreed(host.name, found, planned, yes=wish.yes):
        return Cleanup(outcome="declined")
    assert inside.way is not None  # noqa: S101 -- by it the host was seen

    def again() -> str:
        looked, after = look(host, probing)
        if looked.access is None:
            raise AccessError("unreachable", "no way in works any more")
        looked.access.close()
        return still_there(found, after)

    with ticking(lambda: f"cleaning {host.name} up, and watching it"):
        armed = seconds + ceil(PROBE_ANSWERS * probing.timeout)  # a busy host is long looked at again
        return clean_up(access, made, armed, partial(enter, inside.way, probing), again)


def _agreed(host: str, found: Examination, planned: Sequence[Task], *, yes: bool) -> bool:
    """Whether the person agrees to the whole plan: its order is what keeps a site answering."""
    lines = [f"{host}: the plan; undoes itself unless a new connection confirms it"]
    names = [task.name for task in planned if task.changes]
    lines += [f"  {number}. {name}" for number, name in enumerate(names, 1)]
    lines += _by_hand(found)
    sys.stderr.write("".join(f"{line}\n" for text in lines for line in folded(text, 80)))
    if yes:
        return True
    if not is_terminal():
        sys.stderr.write("Nothing is changed: nobody is there to be asked (--yes agrees to all of it).\n")
        return False
    sys.stderr.write("Do all of this? [y]es, [n]o: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _by_hand(found: Examination) -> Iterator[str]:
    for text in by_hand(found):
        yield f"  by hand: {text}"
    for text in passwords(found):
        yield f"  to be changed: the password of {text}"


def _code(one: Done) -> int:
    codes = {"proved": 0, "failed": exit_codes.REMEDY, "rolled-back": exit_codes.REMEDY}
    kind = {"well": 0, "undecided": exit_codes.UNDECIDED}.get(one.found.kind, 1)
    return codes.get(one.cleaned.outcome, kind)


def _told(done: Sequence[Done], options: Options, notice: Notice) -> str:
    if options.format == "json":
        hosts = [entry(one) for one in done]
        return json.dumps({"schema": SCHEMA, "hosts": hosts}, indent=2, ensure_ascii=True) + "\n"
    if options.format == "ticket":
        return "\n".join(letter_of(one, options.lang, notice) for one in done)
    width = 80 if options.output else min(terminal()["width"], 80)
    return "\n".join(in_words(one, width) for one in done)


def letter_of(one: Done, lang: str = "en", notice: Notice = _NONE) -> str:
    """The letter to the provider that answers ``notice``, with what was done where it is proved."""
    done = one.cleaned.outcome == "proved"
    return letter(one.host, one.found, notice, lang, proofs=one.proofs, done=done)


def entry(one: Done) -> dict[str, Any]:
    """One host of the JSON: as `examine` has it, and beside it ``remedy``."""
    told, cleaned = host_entry(one.host, one.found), one.cleaned
    for step, proof in zip(told["stop"], one.proofs, strict=True):
        step["proved_by"] = proof
    told["remedy"] = {
        "outcome": cleaned.outcome,
        "detail": cleaned.detail,
        "planned": [task.name for task in one.planned if task.changes],
        "tasks": [{"name": t.name, "status": t.status, "message": t.message} for t in cleaned.tasks],
        "by_hand": [*by_hand(one.found)],
        "passwords": [*passwords(one.found)],
        "run": cleaned.run,
    }
    return told


def in_words(one: Done, width: int) -> str:
    """What was done on one host, in lines of ``width`` columns."""
    return "".join(f"{line}\n" for text in _lines(one) for line in folded(text, width))


def _lines(one: Done) -> Iterator[str]:
    cleaned = one.cleaned
    yield f"{one.host}: {_OUTCOMES[cleaned.outcome]}"
    if cleaned.detail:
        yield f"  {cleaned.detail}"
    for task in cleaned.tasks:
        if task.status in ("changed", "failed", "rolled-back"):
            yield f"  {task.status + ':':12} {task.name}"
            if task.message and task.status == "failed":
                yield f"    {task.message}"
    if cleaned.outcome == "proved":
        for step, proof in zip(one.found.stop, one.proofs, strict=True):
            yield f"  {'not yet proved' if proof == 'not yet' else 'proved, ' + proof}: {step.what}"
    yield from _by_hand(one.found)
    if cleaned.outcome in ("proved", "failed") and cleaned.run:
        yield f"  kept on the host as {cleaned.run}; `undo` puts it back"
