"""``remediate --cause`` for what `examine` finds: plan, ask, stop it under guard, prove, told in words."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from sshdoctor.cleanup.plan import by_hand, passwords, tasks
from sshdoctor.cleanup.run import Cleaned, checked, clean, refusal
from sshdoctor.commands.examine.letter import LANGUAGES, letter
from sshdoctor.commands.examine.looking import look
from sshdoctor.commands.shared import exit_codes
from sshdoctor.commands.shared.changes import ChangeOptions, choice_of
from sshdoctor.commands.shared.options import (
    Options,
    hosts_of,
    probe_options,
    terminal,
    write_text,
)
from sshdoctor.diagnosis.inside import enter
from sshdoctor.diagnosis.outside import ProbeOptions
from sshdoctor.errors import AccessError, UsageError
from sshdoctor.examination.document import host_entry
from sshdoctor.examination.findings import Examination
from sshdoctor.examination.notice import Notice
from sshdoctor.model import Host
from sshdoctor.remedy.consent import is_terminal
from sshdoctor.reports.layout.folded import folded

SCHEMA = "sshdoctor/examination/1"
FORMATS = ("json", "text", "ticket")
_OUTCOMES = {
    "proved": "It is stopped.",
    "failed": "It is not stopped, or not proved to be.",
    "rolled-back": "A step failed, and what had been changed was put back.",
    "checked": "Nothing was changed (--check). This is what would be done:",
    "declined": "Nothing was changed: it was not agreed to.",
    "nothing-to-do": "There is nothing to do.",
    "no-remedy": "Nothing was changed.",
    "managed": "Nothing was changed.",
}


class Done(Struct, frozen=True, kw_only=True):
    """What was found on one host, and what was done about it."""

    host: str
    found: Examination
    cleaned: Cleaned


def run(options: Options, wish: ChangeOptions, cause: str) -> int:
    """Clean the hosts of ``options`` up, write the report, give the exit code. Raises UsageError."""
    if options.format not in FORMATS:
        raise UsageError(f"--format {options.format}: with --cause {cause} there are {', '.join(FORMATS)}")
    if options.lang != "en" and (options.format != "ticket" or options.lang not in LANGUAGES):
        raise UsageError(f"--lang {options.lang}: only ticket is written in {' and '.join(LANGUAGES)}")
    if wish.script or wish.hold or wish.source:
        raise UsageError(f"--script, --for and --source do not go with --cause {cause}")
    probing, seconds = probe_options(options), choice_of(wish).seconds
    done = [_on(host, probing, cause, wish, seconds) for host in hosts_of(options)]
    write_text(_told(done, options), options.output)
    return max((_code(one) for one in done), default=0)


def _on(host: Host, probing: ProbeOptions, cause: str, wish: ChangeOptions, seconds: int) -> Done:
    inside, found = look(host, probing)
    access = inside.access
    try:
        made = tasks(found)
        why = refusal(found, made, cause, managed=host.managed or "", root=inside.used.privileged)
        if not why and access is None:
            why = "There is no way in to do it through."
        if why or access is None:
            outcome = "managed" if host.managed else "no-remedy"
            cleaned = Cleaned(outcome=outcome, detail=why, by_hand=by_hand(found), passwords=passwords(found))
        elif wish.check:
            cleaned = checked(access, found, made)
        elif not _agreed(host.name, found, [task.name for task in made if task.changes], yes=wish.yes):
            cleaned = Cleaned(outcome="declined", planned=tuple(task.name for task in made if task.changes))
        else:
            assert inside.way is not None  # noqa: S101 -- by it the host was seen
            again = partial(enter, inside.way, probing)
            cleaned = clean(access, found, made, seconds, again, partial(_look_again, host, probing))
    finally:
        if access is not None:
            access.close()
    return Done(host=host.name, found=found, cleaned=cleaned)


def _look_again(host: Host, probing: ProbeOptions) -> Examination:
    inside, found = look(host, probing)
    if inside.access is None:
        raise AccessError("unreachable", "no way in works any more")
    inside.access.close()
    return found


def _agreed(host: str, found: Examination, planned: Sequence[str], *, yes: bool) -> bool:
    """Whether the person agrees to the whole plan: its order is what keeps a site answering."""
    lines = [f"{host}: the plan; undoes itself unless a new connection confirms it"]
    lines += [f"  {number}. {name}" for number, name in enumerate(planned, 1)]
    lines += [f"  by hand: {text}" for text in (*by_hand(found), *passwords(found))]
    sys.stderr.write("".join(f"{line}\n" for text in lines for line in folded(text, 80)))
    if yes:
        return True
    if not is_terminal():
        sys.stderr.write("Nothing is changed: nobody is there to be asked (--yes agrees to all of it).\n")
        return False
    sys.stderr.write("Do all of this? [y]es, [n]o: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _code(one: Done) -> int:
    codes = {"proved": 0, "failed": exit_codes.REMEDY, "rolled-back": exit_codes.REMEDY}
    kind = {"well": 0, "undecided": exit_codes.UNDECIDED}.get(one.found.kind, 1)
    return codes.get(one.cleaned.outcome, kind)


def _told(done: Sequence[Done], options: Options) -> str:
    if options.format == "json":
        hosts = [entry(one) for one in done]
        return json.dumps({"schema": SCHEMA, "hosts": hosts}, indent=2, ensure_ascii=True) + "\n"
    if options.format == "ticket":
        return "\n".join(letter(one.host, one.found, Notice((), ()), options.lang) for one in done)
    width = 80 if options.output else min(terminal()["width"], 80)
    return "\n".join(in_words(one, width) for one in done)


def entry(one: Done) -> dict[str, Any]:
    """One host of the JSON: as `examine` has it, and beside it ``remedy``."""
    told, cleaned = host_entry(one.host, one.found), one.cleaned
    for step, proof in zip(told["stop"], cleaned.proofs, strict=False):
        step["proved_by"] = proof
    told["remedy"] = {
        "outcome": cleaned.outcome,
        "detail": cleaned.detail,
        "planned": list(cleaned.planned),
        "tasks": [{"name": t.name, "status": t.status, "message": t.message} for t in cleaned.tasks],
        "by_hand": list(cleaned.by_hand),
        "passwords": list(cleaned.passwords),
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
    for step, proof in zip(one.found.stop, cleaned.proofs, strict=False):
        yield f"  {'proved by ' + proof if proof != 'not yet' else 'not yet proved'}: {step.what}"
    for text in cleaned.by_hand:
        yield f"  by hand: {text}"
    for text in cleaned.passwords:
        yield f"  to be changed: the password of {text}"
    if cleaned.outcome in ("proved", "failed") and cleaned.run:
        yield f"  kept on the host as {cleaned.run}; `undo` puts it back"
