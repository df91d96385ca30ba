"""A plan before it is carried out, and a repair after it, for a terminal of 80 columns."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator, Sequence

from sshdoctor.model import HostReport, Login, Planned, Repair, Reply, TaskResult
from sshdoctor.reports.layout.client_words import client_words
from sshdoctor.reports.layout.printable import printable

_WIDTH = 78
CHANGED_NOTHING = ("declined", "checked")
"""After these the report on the host, which was seen before the question, is not told once more."""

_OUTCOMES = {
    "nothing-to-do": "There is nothing to repair.",
    "no-remedy": "Nothing was changed.",
    "declined": "Nothing was changed: it was not agreed to.",
    "checked": "Nothing was changed (--check).",
    "written": "Nothing is changed yet: the plan was written as a script.",
    "mended-on-disk": "The disk was mended. What a client gets is seen after the boot.",
    "managed": "Nothing was changed.",
    "proved": "Repaired, and proved by a new connection.",
    "proved in part": "That is repaired, and proved by a new connection; something else stops the client.",
    "failed": "The repair failed.",
    "undone": "The last remedy was put back.",
    "rolled-back": "The repair failed, and what it had changed was put back.",
}


def login_command(login: Login) -> str:
    """What a person types to log in."""
    who = f"{login.user}@{login.address}" if login.user else login.address
    return shlex.join(["ssh", *(["-p", str(login.port)] if login.port != 22 else []), who])


def plan_text(report: HostReport, planned: Sequence[Planned], forecast: str) -> str:
    """What is to be done to one host, and what a client would meet then."""
    lines = [f"{printable(report.host)}: the plan"]
    for number, step in enumerate(planned, 1):
        guard = "; undoes itself unless a new connection confirms it" if step.guarded else ""
        lines += _wrapped(f"{number}. {step.playbook}: {step.title}", 2)
        mends = f"mends {', '.join(step.mends)}; " if step.mends else ""
        lines += _wrapped(f"{mends}risk {step.risk}{guard}", 5)
        lines += _wrapped(f"this playbook is {printable(step.source)}", 5) if step.source else []
        for change in step.changes:
            lines += _wrapped(f"- {printable(change)}", 5)
    if forecast:
        lines += _wrapped(f"Then: {printable(forecast)}", 2)
    return "\n".join(lines) + "\n"


def diffs(tasks: Sequence[TaskResult]) -> str:
    """What tasks changed, or would change."""
    return "".join(line + "\n" for task in tasks for line in _task(task))


def repair_lines(repair: Repair, *, still_blocked: bool = False) -> Iterator[str]:
    """What was done: the tasks that changed or have to say something, and the replies before and after.

    ``still_blocked``: a client does not get in even so.
    """
    in_part = repair.outcome == "proved" and still_blocked
    yield from _wrapped(_OUTCOMES["proved in part" if in_part else repair.outcome], 2)
    if repair.outcome == "checked":
        would = any(task.status == "changed" for task in repair.tasks)
        yield from _wrapped("This is what would be:" if would else "Nothing would be, either.", 2)
    for line in repair.detail.splitlines():
        yield from _wrapped(printable(line), 2)
    for task in repair.tasks:
        if task.status in ("changed", "failed", "rolled-back") or (task.status == "ok" and task.message):
            yield from _task(task)
    if repair.outcome in ("proved", "failed", "rolled-back", "undone"):
        yield from _wrapped(f"before: {_replies(repair.replies_before)}", 2)
        yield from _wrapped(f"after:  {_replies(repair.replies_after)}", 2)
    if repair.outcome == "proved" and repair.run:
        yield from _wrapped(f"kept on the host as {repair.run}; `undo` puts it back", 2)


def _task(task: TaskResult) -> Iterator[str]:
    yield from _wrapped(f"{task.status + ':':12} {printable(task.name)}", 4)
    if task.message and task.status in ("failed", "ok"):
        for line in task.message.splitlines():
            yield from _wrapped(printable(line), 17)
    for line in task.diff.splitlines():
        yield f"      {printable(line)}"


def _replies(replies: Sequence[Reply]) -> str:
    return ", ".join(
        f"{printable(reply.address or 'the name')} {client_words(reply.word)}" for reply in replies
    )


def _wrapped(text: str, indent: int) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 2),
        break_long_words=False,
        break_on_hyphens=False,
    )
