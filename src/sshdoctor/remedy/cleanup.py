"""A clean-up carried out: applied under guard, looked at again, and confirmed by a new connection.

Where a site or the way in no longer answers, or a step fails, all is put back. Where something came back,
what was done stays done: nobody is locked out by it, and `undo` takes it back.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Literal

from msgspec import Struct

from sshdoctor.access.base import Access
from sshdoctor.errors import AccessError
from sshdoctor.model import TaskResult
from sshdoctor.remedy import apply as applying
from sshdoctor.remedy.apply import Applied, Prepared
from sshdoctor.remedy.playbook.compile import Numbered, Program
from sshdoctor.remedy.playbook.results import listen, results
from sshdoctor.remedy.script import checking_script, shell_file

_NAME = "clean-up"

CleanupOutcome = Literal["proved", "failed", "rolled-back", "checked", "declined", "no-remedy", "managed"]


class CleanupTask(Struct, frozen=True, kw_only=True):
    """One step: ``call`` is shell text over the functions of clean.sh, all that a host said in it quoted.

    ``watches``: where it fails, something came back; else a task that fails has all put back.
    """

    name: str
    call: str
    changes: bool = True
    watches: bool = False


class Cleanup(Struct, frozen=True, kw_only=True):
    """What came of it; ``run`` names the state that `undo` puts back, "" if nothing was kept."""

    outcome: CleanupOutcome
    detail: str = ""
    tasks: tuple[TaskResult, ...] = ()
    run: str = ""


def program(tasks: Sequence[CleanupTask], *, check: bool = False) -> Program:
    """The shell text of ``tasks``; one that fails ends the whole."""
    numbered = tuple(Numbered(n, _NAME, task.name, task.changes) for n, task in enumerate(tasks, 1))
    text = "".join(_task(n, task, check=check) for n, task in enumerate(tasks, 1))
    return Program(shell_file("clean.sh"), text, numbered)


def _task(number: int, task: CleanupTask, *, check: bool) -> str:
    body = f"( check={'1' if check else ''}\n{task.call}\n) || died\n"
    return f'if [ -z "$stopped" ]; then\nbegin {number}\n{body}finish {number}\nis_failed && stopped=1\nfi\n'


def check_cleanup(access: Access, tasks: Sequence[CleanupTask]) -> Cleanup:
    """What would be done, with nothing changed."""
    made, mark = program(tasks, check=True), secrets.token_hex(16)
    output = access.run(checking_script(made, mark, asks_guard=True), timeout=applying.APPLY_SECONDS)
    told = results(listen(output.stdout, mark), made.tasks)
    failed = next((f"{task.name}: {task.message}" for task in told if task.status == "failed"), "")
    return Cleanup(outcome="checked", tasks=told, detail=failed or (output.error if output.status else ""))


def clean_up(
    access: Access,
    tasks: Sequence[CleanupTask],
    seconds: int,
    enter: Callable[[], Access],
    look: Callable[[], str],
) -> Cleanup:
    """Carry ``tasks`` out, armed for ``seconds``. ``enter`` opens the way in anew; ``look`` looks at the host
    again, and says what is there still. Both raise AccessError."""
    about = "\n".join(f"did: {task.name}".replace("\n", " ") for task in tasks if task.changes)
    prepared = Prepared(program(tasks), seconds, about)
    try:
        return _proved(access, tasks, prepared, enter, look)
    except BaseException:  # a Ctrl-C too
        applying.restore(access, prepared)
        raise


def _proved(
    access: Access,
    tasks: Sequence[CleanupTask],
    prepared: Prepared,
    enter: Callable[[], Access],
    look: Callable[[], str],
) -> Cleanup:
    try:
        applied = applying.apply(access, prepared)
    except AccessError as error:
        return Cleanup(outcome="failed", detail=f"the tasks could not be sent: {error}")
    back = _came_back(tasks, applied)
    if applied.trouble and not back:
        return _put_back(access, prepared, applied, applied.trouble)
    try:
        back = back or look()
    except AccessError as error:
        return _put_back(access, prepared, applied, f"nobody could look again: {error}")
    if trouble := _unconfirmed(prepared, enter):
        return _put_back(access, prepared, applied, trouble)
    return Cleanup(
        outcome="failed" if back else "proved",
        detail=f"{back}; what was done stays done, `undo` takes it back" if back else "",
        tasks=applied.tasks,
        run=prepared.run,
    )


def _came_back(tasks: Sequence[CleanupTask], applied: Applied) -> str:
    last = applied.tasks[-1] if applied.tasks else None
    watching = {task.name for task in tasks if task.watches}
    return last.message if last and last.status == "failed" and last.name in watching else ""


def _unconfirmed(prepared: Prepared, enter: Callable[[], Access]) -> str:
    try:
        with closing(enter()) as again:
            confirmed = applying.confirm(again, prepared)
    except AccessError as error:
        return f"the way in that was used no longer works: {error}"
    return "" if confirmed else "the host did not hear that it is confirmed"


def _put_back(access: Access, prepared: Prepared, applied: Applied, why: str) -> Cleanup:
    left = applying.restore(access, prepared) if applied.begun else ""
    if left is None:
        later = f"{why}. It cannot be put back from here; the host does so by itself in {prepared.seconds} s"
        return Cleanup(outcome="failed", detail=later, tasks=applied.tasks, run=prepared.run)
    changed = any(task.status == "changed" for task in applied.tasks)
    return Cleanup(
        outcome="rolled-back" if changed else "failed",
        detail=f"{why}; {left}" if left else why,
        tasks=applying.rolled_back(applied.tasks),
        run=prepared.run,
    )
