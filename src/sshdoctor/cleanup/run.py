"""A clean-up carried out: applied under guard, looked at again, and confirmed by a new connection.

Where a site or the way in no longer answers, or a step fails, all is put back. Where something came back, what
was done stays done: nobody is locked out by it, and `undo` takes it back.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.access.base import Access
from sshdoctor.cleanup.causes import CAUSES
from sshdoctor.cleanup.plan import Task, by_hand, guilty_lines, passwords
from sshdoctor.cleanup.proof import WATCHED, ProvedBy, proved_by
from sshdoctor.errors import AccessError
from sshdoctor.examination.findings import Examination
from sshdoctor.model import TaskResult
from sshdoctor.remedy import apply as applying
from sshdoctor.remedy.apply import Applied, Prepared
from sshdoctor.remedy.playbook.compile import Numbered, Program
from sshdoctor.remedy.playbook.results import listen, results
from sshdoctor.remedy.script import checking_script

Outcome = Literal[
    "proved", "failed", "rolled-back", "checked", "declined", "nothing-to-do", "no-remedy", "managed"
]
NAME = "clean-up"


class Cleaned(Struct, frozen=True, kw_only=True):
    """What was done on one host. ``after`` is the examination after it; a proof for each step of the plan."""

    outcome: Outcome
    detail: str = ""
    planned: tuple[str, ...] = ()
    tasks: tuple[TaskResult, ...] = ()
    proofs: tuple[ProvedBy, ...] = ()
    by_hand: tuple[str, ...] = ()
    passwords: tuple[str, ...] = ()
    run: str = ""
    after: Examination | None = None


def program(tasks: Sequence[Task], *, check: bool = False) -> Program:
    """The shell text of ``tasks``; one that fails ends the whole."""
    parts = []
    for number, task in enumerate(tasks, 1):
        parts.append(
            f'if [ -z "$stopped" ]; then\nbegin {number}\n( check={"1" if check else ""}\n{task.call}\n)'
            f" || died\nfinish {number}\nis_failed && stopped=1\nfi\n"
        )
    functions = Path(__file__).with_name("clean.sh").read_text(encoding="utf-8")
    numbered = tuple(Numbered(n, NAME, task.name, task.changes) for n, task in enumerate(tasks, 1))
    return Program(functions, "".join(parts), numbered)


def checked(access: Access, found: Examination, tasks: Sequence[Task]) -> Cleaned:
    """What would be done, with nothing changed."""
    made, mark = program(tasks, check=True), "c" * 32
    output = access.run(checking_script(made, mark), timeout=applying.APPLY_SECONDS)
    told = results(listen(output.stdout, mark), made.tasks)
    return _of(found, tasks, outcome="checked", tasks=told, detail=output.error if output.status else "")


def clean(
    access: Access,
    found: Examination,
    tasks: Sequence[Task],
    seconds: int,
    enter: Callable[[], Access],
    look: Callable[[], Examination],
) -> Cleaned:
    """Carry ``tasks`` out. ``enter`` opens the way in anew, ``look`` examines again: they raise AccessError."""
    about = "\n".join(f"did: {task.name}".replace("\n", " ") for task in tasks if task.changes)
    prepared = Prepared(program(tasks), seconds, about)
    try:
        return _proved(access, found, tasks, prepared, enter, look)
    except BaseException:
        applying.restore(access, prepared)
        raise


def _proved(
    access: Access,
    found: Examination,
    tasks: Sequence[Task],
    prepared: Prepared,
    enter: Callable[[], Access],
    look: Callable[[], Examination],
) -> Cleaned:
    try:
        applied = applying.apply(access, prepared)
    except AccessError as error:
        return _of(found, tasks, outcome="failed", detail=f"the tasks could not be sent: {error}")
    back = _came_back(applied)
    if applied.trouble and not back:
        return _put_back(access, found, tasks, prepared, applied, applied.trouble)
    try:
        after = look()
    except AccessError as error:
        return _put_back(access, found, tasks, prepared, applied, f"nobody could look again: {error}")
    back = back or _still_there(found, after)
    if trouble := _unconfirmed(prepared, enter):
        return _put_back(access, found, tasks, prepared, applied, trouble)
    visited = any(task.name.startswith("look whether every site") and task.message for task in applied.tasks)
    proofs = tuple(proved_by(step, found, visited=visited) if not back else "not yet" for step in found.stop)
    return _of(
        found,
        tasks,
        outcome="failed" if back else "proved",
        detail=f"{back}; what was done stays done, `undo` takes it back" if back else "",
        tasks=applied.tasks,
        proofs=proofs,
        run=prepared.run,
        after=after,
    )


def _came_back(applied: Applied) -> str:
    last = applied.tasks[-1] if applied.tasks else None
    return last.message if last and last.status == "failed" and last.name.startswith(WATCHED) else ""


def _still_there(before: Examination, after: Examination) -> str:
    """What of the plan is there again, "" for nothing; letters that are held are no fault."""
    programs = {one.program.removesuffix(" (deleted)") for one in before.culprits}
    again = [one.program for one in after.culprits if one.program.removesuffix(" (deleted)") in programs]
    had = {(line.file, line.text) for line in guilty_lines(before) if line.file != "/etc/passwd"}
    again += [line.file for line in guilty_lines(after) if (line.file, line.text) in had]
    return (
        f"it is there again: {', '.join(dict.fromkeys(again))}" if again and before.kind == "misuse" else ""
    )


def _unconfirmed(prepared: Prepared, enter: Callable[[], Access]) -> str:
    try:
        with closing(enter()) as again:
            confirmed = applying.confirm(again, prepared)
    except AccessError as error:
        return f"the way in that was used no longer works: {error}"
    return "" if confirmed else "the host did not hear that it is confirmed"


def _put_back(
    access: Access,
    found: Examination,
    tasks: Sequence[Task],
    prepared: Prepared,
    applied: Applied,
    why: str,
) -> Cleaned:
    left = applying.restore(access, prepared) if applied.begun else ""
    if left is None:
        why = f"{why}. It cannot be put back from here; the host does so by itself in {prepared.seconds} s"
    told = applied.tasks if left is None else applying.rolled_back(applied.tasks)
    changed = left is not None and any(task.status == "changed" for task in applied.tasks)
    detail = f"{why}; {left}" if left else why
    return _of(
        found,
        tasks,
        outcome="rolled-back" if changed else "failed",
        detail=detail,
        tasks=told,
        run=prepared.run,
    )


def _of(found: Examination, made: Sequence[Task], *, outcome: Outcome, **more: object) -> Cleaned:
    planned = tuple(task.name for task in made if task.changes)
    cleaned = Cleaned(outcome=outcome, planned=planned, by_hand=by_hand(found), passwords=passwords(found))
    return replace(cleaned, **more)


def refusal(found: Examination, tasks: Sequence[Task], cause: str, *, managed: str, root: bool | None) -> str:
    """Why nothing is done; "" if the plan may be carried out."""
    if managed:
        return f"This host is run by {managed}: nothing is changed here; ask them (examine --format ticket)."
    if found.kind != CAUSES[cause]:
        return f"{cause} was not found: this host is {found.kind}."
    if not tasks:
        return "There is nothing that a program may do here: see what a person does."
    if root is False:
        return "Root's rights are needed for this: set ansible_become, or be root there."
    return ""


def command(host: str, found: Examination) -> str:
    """What is typed to have it done; "" where nothing is to be done."""
    cause = next((name for name, kind in CAUSES.items() if kind == found.kind), "")
    return shlex.join(["sshdoctor", "remediate", "--host", host, "--cause", cause]) if cause else ""
