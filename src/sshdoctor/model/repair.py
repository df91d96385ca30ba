"""What was planned, done and proved."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from sshdoctor.model.reply import Reply

TaskStatus = Literal["ok", "changed", "failed", "skipped", "rolled-back"]
Outcome = Literal[
    "nothing-to-do",
    "no-remedy",
    "declined",
    "checked",
    "written",
    "mended-on-disk",
    "managed",
    "proved",
    "failed",
    "rolled-back",
    "undone",
]


class TaskResult(Struct, frozen=True, kw_only=True):
    """What one task of a playbook came to; ``diff`` is a unified diff, or empty."""

    playbook: str
    name: str
    status: TaskStatus
    message: str = ""
    diff: str = ""


class Planned(Struct, frozen=True, kw_only=True):
    """One playbook of a plan: the causes that it mends here, and what it puts at risk."""

    playbook: str
    title: str
    mends: tuple[str, ...]
    risk: str
    guarded: bool
    changes: tuple[str, ...] = ()
    """Its tasks that may change something, by name."""
    source: str = ""
    """The file and its owner, of a playbook that did not come with this program."""


class Repair(Struct, frozen=True, kw_only=True):
    """What was planned, done and proved on one host.

    ``replies_before`` and ``replies_after`` are what a client got; ``journal`` has each command that changed
    the host; ``run`` names the state that ``undo`` puts back, empty if nothing was kept.
    """

    outcome: Outcome
    detail: str = ""
    planned: tuple[Planned, ...] = ()
    forecast: str = ""
    """What a client must meet after the plan, by the firewall model and the checks."""
    tasks: tuple[TaskResult, ...] = ()
    replies_before: tuple[Reply, ...] = ()
    replies_after: tuple[Reply, ...] = ()
    mended: tuple[str, ...] = ()
    journal: tuple[str, ...] = ()
    run: str = ""
