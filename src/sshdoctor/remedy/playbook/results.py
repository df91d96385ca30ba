"""What the script printed, as results of the tasks."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from sshdoctor.model import TaskResult, TaskStatus
from sshdoctor.remedy.playbook.compile import Numbered

_LAST_LINES = 3
_HIDDEN = "(not shown: no_log)"


class Said(Struct, frozen=True):
    """The script's own lines: the values of each task by number, and what else it said, by word."""

    tasks: Mapping[int, Mapping[str, str]]
    ignored: frozenset[int]
    other: Mapping[str, str]


def listen(output: bytes, mark: str) -> Said:
    """What stands between the fences of ``mark``; anything else is passed over."""
    text = output.decode("utf-8", "backslashreplace")
    pieces = re.split(rf"\n@@{mark} ([^\n]*)@@\n", text)
    tasks: dict[int, dict[str, str]] = {}
    ignored, other, at = set(), {}, 0
    for words, content in zip(pieces[1::2], pieces[2::2], strict=True):
        kind, _, rest = words.partition(" ")
        if kind == "task":
            at = int(rest)
            tasks[at] = {}
        elif kind == "value" and at:
            tasks[at][rest] = content
        elif kind == "ignored":
            ignored.add(int(rest))
        elif kind == "end":
            at = 0
        else:
            other[kind] = rest if rest else content
    return Said(tasks, frozenset(ignored), other)


def results(said: Said, numbered: Sequence[Numbered]) -> tuple[TaskResult, ...]:
    """The tasks that were reached, in order."""
    return tuple(_result(task, said) for task in numbered if task.number in said.tasks)


def _result(task: Numbered, said: Said) -> TaskResult:
    values = said.tasks[task.number]
    status = _status(values)
    message = _message(values) if "failed" in values else "it was cut off"
    if task.hidden:
        message = _HIDDEN
    return TaskResult(
        playbook=task.playbook,
        name=task.name,
        status="ok" if status == "failed" and task.number in said.ignored else status,
        message=f"{message} (ignored)" if task.number in said.ignored else message,
        diff="" if task.hidden else "".join(_diffs(values)),
    )


def _message(values: Mapping[str, str]) -> str:
    """What the task says of itself, and of a command that failed what it said last."""
    message = values.get("msg", "")
    if values.get("failed") != "true" or "rc" not in values:
        return message
    said = (values.get("stderr", "").strip() or values.get("stdout", "").strip()).splitlines()
    return "\n".join([message, *said[-_LAST_LINES:]])


def _status(values: Mapping[str, str]) -> TaskStatus:
    if values.get("failed") != "false":
        return "failed"
    if values.get("skipped") == "true":
        return "skipped"
    return "changed" if values.get("changed") == "true" else "ok"


def _diffs(values: Mapping[str, str]) -> Iterator[str]:
    for number in range(1, int(values.get("diffs") or 0) + 1):
        path = values.get(f"diff.{number}.path", "")
        before, after = values.get(f"diff.{number}.before"), values.get(f"diff.{number}.after")
        if before is None or after is None:
            yield f"--- {path}\n+++ {path}\n(not shown: it may hold secrets)\n"
            continue
        lines = difflib.unified_diff(
            before.splitlines(keepends=True), after.splitlines(keepends=True), path, path, n=2
        )
        yield "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
