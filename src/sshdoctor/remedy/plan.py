"""From causes to playbooks: what would be done, in which order, and what a client would meet then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from sshdoctor.document import suggest
from sshdoctor.errors import UsageError
from sshdoctor.model import Cause, Planned
from sshdoctor.remedy.playbook.catalog import CatalogEntry, fitting
from sshdoctor.remedy.playbook.compile import Program, compile_playbooks
from sshdoctor.remedy.playbook.load import load_playbook
from sshdoctor.remedy.playbook.model import Playbook
from sshdoctor.resources import owner_of, shipped
from sshdoctor.services import layers

_RISKS = ("low", "medium", "high")


class Step(Struct, frozen=True):
    """One playbook of a plan, and the causes that it is to mend."""

    playbook: Playbook
    mends: tuple[str, ...]
    variables: Mapping[str, Any] = field(default_factory=dict)

    @property
    def program(self) -> Program:
        """Its tasks with these variables. Raises PlaybookError where one is missing."""
        return compile_playbooks([(self.playbook, self.variables)])

    @property
    def shown(self) -> Planned:
        return Planned(
            playbook=self.playbook.id,
            title=self.playbook.title,
            mends=self.mends,
            risk=self.playbook.remedy.risk,
            guarded=self.playbook.remedy.guard,
            changes=tuple(dict.fromkeys(task.name for task in self.program.tasks if task.changes)),
            source=_source(self.playbook.path),
        )


def _source(path: Path) -> str:
    """Where a playbook of a person's own stands, and whose it is; "" for one that came with this program."""
    return "" if path.is_relative_to(shipped("playbooks")) else f"{path.absolute()}, of {owner_of(path)}"


def in_order(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps, those with an ``order`` by that, in the places that they have among the others."""
    ordered = iter(sorted((s for s in steps if _order(s)), key=_order))
    return tuple(next(ordered) if _order(step) else step for step in steps)


def _order(step: Step) -> int:
    return step.playbook.remedy.order


def started_once(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps, of which the last that starts the daemon does so: what stops it is mended until then."""
    starting = [step for step in steps if STARTS in step.playbook.variables]
    return tuple(
        replace(step, variables={**step.variables, STARTS: step is starting[-1]})
        if step in starting
        else step
        for step in steps
    )


STARTS = "starts_daemon"


class Plan(Struct, frozen=True):
    """``steps`` in the order in which they are applied; ``left`` are causes that no playbook mends."""

    steps: tuple[Step, ...]
    left: tuple[Cause, ...]


def plan(
    causes: Sequence[Cause], listed: Sequence[CatalogEntry], asked: Sequence[str], *, on_disk: bool = False
) -> Plan:
    """What mends ``causes``: those of ``asked``, or all that a playbook may mend unasked, in the order of
    the packet's way. ``on_disk``: where the system does not run.

    Raises UsageError for an asked cause that was not found, PlaybookError for a playbook that cannot be run.
    """
    fit = fitting(listed, on_disk=on_disk)
    steps: dict[Path, list[str]] = {}
    left = []
    for cause in sorted(_wanted(causes, asked), key=lambda cause: layers().index(cause.layer)):
        chosen = _mending(cause.id, fit, asked)
        if chosen is None:
            left.append(cause)
        elif cause.id not in steps.setdefault(chosen.path, []):
            steps[chosen.path].append(cause.id)
    made = [Step(load_playbook(path), tuple(ids)) for path, ids in steps.items()]
    return Plan(in_order(made), tuple(left))


def with_playbook_of(
    steps: Sequence[Step], variable: str, cause: str, listed: Sequence[CatalogEntry]
) -> tuple[Step, ...]:
    """``steps``, and before them what takes ``variable``, if none of them does: the playbook of ``cause``."""
    chosen = (
        None if any(variable in s.playbook.variables for s in steps) else _mending(cause, listed, (cause,))
    )
    return tuple(steps) if chosen is None else (Step(load_playbook(chosen.path), ()), *steps)


def _wanted(causes: Sequence[Cause], asked: Sequence[str]) -> list[Cause]:
    found = {cause.id for cause in causes}
    for word in asked:
        if word not in found:
            there = f"; there are {', '.join(sorted(found))}" if found else "; none was found"
            raise UsageError(f"--cause {word}: that cause was not found{there}{suggest(word, found)}")
    return [cause for cause in causes if not asked or cause.id in asked]


def _mending(cause: str, listed: Sequence[CatalogEntry], asked: Sequence[str]) -> CatalogEntry | None:
    able = [
        one
        for one in listed
        if cause in one.remedy.mends and (cause in asked or not one.remedy.only_with_cause)
    ]
    return min(able, key=lambda one: _RISKS.index(one.remedy.risk), default=None)
