"""The frozen values of a playbook: what stands in the file, checked, not yet rendered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from msgspec import Struct, field


class Remedy(Struct, frozen=True, kw_only=True):
    """What a playbook mends (``vars.remedy``, which Ansible ignores).

    ``risk`` is low, medium or high. With ``guard`` a restore is armed on the host before it runs. With
    ``only_with_cause`` it is planned only where ``--cause`` asks for what it mends. ``on_disk`` says whether
    it mends a mounted disk, whose system does not run: "" (no), "also" or "only". Of the playbooks of a plan
    that have an ``order`` those with a lower one go first, whatever stops a client first. ``effects`` are the
    settings of the service, and the units, that it may change for anybody; None: none of them is compared.
    ``for_a_while``: it opens something, by the file ``opening_file``, that the host closes by itself.
    """

    mends: tuple[str, ...] = ()
    risk: str = "medium"
    guard: bool = True
    only_with_cause: bool = False
    on_disk: str = ""
    order: int = 0
    effects: tuple[str, ...] | None = None
    for_a_while: bool = False


class Task(Struct, frozen=True, kw_only=True):
    """One call of an action; every text may hold ``{{ }}``, every condition is Ansible's."""

    name: str
    line: int
    action: ModuleType
    arguments: Mapping[str, Any]
    when: tuple[str, ...] = ()
    register: str = ""
    loop: Any = None
    changed_when: tuple[str, ...] | None = None
    failed_when: tuple[str, ...] | None = None
    check_mode: bool | None = None
    ignore_errors: bool = False
    no_log: bool = False
    notify: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)


class TaskBlock(Struct, frozen=True, kw_only=True):
    """Ansible's block: tasks, what runs if one of them fails, and what runs in any case."""

    name: str
    line: int
    tasks: tuple[Step, ...]
    rescue: tuple[Step, ...] = ()
    always: tuple[Step, ...] = ()
    when: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    ignore_errors: bool = False


Step = Task | TaskBlock


class Playbook(Struct, frozen=True, kw_only=True):
    """One play, one file. ``id`` is the file's name without ``.yml``; ``imports`` run after its own tasks."""

    id: str
    title: str
    path: Path
    remedy: Remedy
    become: bool
    variables: Mapping[str, Any]
    tasks: tuple[Step, ...]
    handlers: tuple[Task, ...]
    imports: tuple[Playbook, ...] = ()

    def every_task(self) -> Iterator[Task]:
        """The tasks of all blocks, then the handlers, then those of what it imports."""
        yield from _flat(self.tasks)
        yield from self.handlers
        for imported in self.imports:
            yield from imported.every_task()


def _flat(steps: tuple[Step, ...]) -> Iterator[Task]:
    for step in steps:
        if isinstance(step, Task):
            yield step
        else:
            yield from _flat((*step.tasks, *step.rescue, *step.always))
