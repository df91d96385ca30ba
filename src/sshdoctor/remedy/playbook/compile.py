"""Playbooks in, one POSIX sh script out; what each task printed comes back under the same numbers.

Everything that is known beforehand is decided here: variables, loops, most conditions. What hangs on a
registered result becomes shell. So one round trip applies a whole plan, and the same script serves a console.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from types import ModuleType
from typing import Any

from msgspec import Struct, field

from sshdoctor.errors import PlaybookError
from sshdoctor.remedy import modules as actions
from sshdoctor.remedy.playbook.arguments import bind
from sshdoctor.remedy.playbook.expression import (
    JinjaError,
    Plain,
    ShellText,
    as_text,
    condition,
    render,
)
from sshdoctor.remedy.playbook.model import Playbook, Step, Task, TaskBlock


class Numbered(Struct, frozen=True):
    """One task as it is run: a loop gives several. ``changes``: whether it may change the host.

    ``hidden`` (``no_log``): what it says and changes is shown nowhere, its name as the playbook has it.
    """

    number: int
    playbook: str
    name: str
    changes: bool
    hidden: bool = False


class Program(Struct, frozen=True):
    """Shell text for the tasks of some playbooks, the functions that it calls first."""

    functions: str
    text: str
    tasks: tuple[Numbered, ...]


def compile_playbooks(
    playbooks: Sequence[tuple[Playbook, Mapping[str, Any]]], *, check: bool = False
) -> Program:
    """The tasks of ``playbooks``, each with its own variables (they win over the playbook's ``vars``).

    A failed task ends the whole. Raises PlaybookError where a variable is missing or of a wrong kind.
    """
    compiler = _Compiler(check)
    text = "".join(compiler.play(playbook, variables) for playbook, variables in playbooks)
    return Program(compiler.functions(), text, tuple(compiler.numbered))


class _Scope(Struct):
    """What is known while one play is compiled."""

    playbook: Playbook
    known: dict[str, Any]
    registered: list[str] = field(default_factory=list)
    handler: dict[str, int] = field(default_factory=dict)


class _Compiler:
    def __init__(self, check: bool) -> None:
        self.check = check
        self.numbered: list[Numbered] = []
        self._used: dict[str, ModuleType] = {}
        self._numbers, self._blocks = count(1), count(1)

    def functions(self) -> str:
        parts = dict.fromkeys(part for module in self._used.values() for part in actions.parts(module))
        bodies = (f"action_{name}() {{\n{actions.body(module)}}}\n" for name, module in self._used.items())
        return "".join((*map(actions.part, parts), *bodies))

    def play(self, playbook: Playbook, variables: Mapping[str, Any]) -> str:
        scope = _Scope(playbook, {})
        scope.known = self._variables(playbook, variables)
        scope.handler = {handler.name: number for number, handler in enumerate(playbook.handlers)}
        lines = [f"# {playbook.id}\n", 'rm -rf "$work/registered" "$work/notified"; mkdir "$work/notified"\n']
        lines += [self._step(step, scope) for step in playbook.tasks]
        for number, handler in enumerate(playbook.handlers):
            lines.append(f'if [ -e "$work/notified/{number}" ]; then\n{self._step(handler, scope)}fi\n')
        lines += [self.play(imported, variables) for imported in playbook.imports]
        return "".join(lines)

    def _variables(self, playbook: Playbook, given: Mapping[str, Any]) -> dict[str, Any]:
        """The play's own variables may name each other, in any order; given ones are plain values."""
        known = dict(given)
        waiting = {key: value for key, value in playbook.variables.items() if key not in known}
        problem = JinjaError("")
        while waiting:
            before = len(waiting)
            for key, value in list(waiting.items()):
                try:
                    known[key] = render(value, known)
                except JinjaError as error:
                    problem = error
                else:
                    del waiting[key]
            if len(waiting) == before:
                line = getattr(playbook.variables, "lines", {}).get(next(iter(waiting)), 1)
                raise PlaybookError((f"{playbook.path}:{line}: vars: {next(iter(waiting))}: {problem}",))
        return known

    def _step(self, step: Step, scope: _Scope) -> str:
        try:
            return self._group(step, scope) if isinstance(step, TaskBlock) else self._task(step, scope)
        except (JinjaError, ValueError) as error:
            where = f"{scope.playbook.path}:{step.line}"
            raise PlaybookError((f"{where}: {step.name or 'block'}: {error}",)) from None

    def _group(self, group: TaskBlock, scope: _Scope) -> str:
        held = condition(group.when, scope.known, scope.registered)
        if held is False or "never" in group.tags:
            return ""
        number = next(self._blocks)
        tasks = "".join(self._step(step, scope) for step in group.tasks)
        rescue = "".join(self._step(step, scope) for step in group.rescue)
        always = "".join(self._step(step, scope) for step in group.always)
        text = tasks
        if rescue or group.ignore_errors:
            text += f'if [ -n "$stopped" ]; then\nstopped=\n{rescue or ": # ignored"}\nfi\n'
        if always:
            text += f"block_{number}=$stopped; stopped=\n{always}stopped=${{stopped:-$block_{number}}}\n"
        test = f" && {{ {held.text}; }}" if isinstance(held, ShellText) else ""
        return f'if [ -z "$stopped" ]{test}; then\n{text}fi\n' if text else ""

    def _task(self, task: Task, scope: _Scope) -> str:
        if "never" in task.tags:
            return ""
        if task.variables:
            scope = _with(scope, {key: render(value, scope.known) for key, value in task.variables.items()})
        if task.loop is None:
            return self._once(task, scope, task.name)
        items = render(task.loop, scope.known, scope.registered)
        if not isinstance(items, list):
            raise ValueError(f"loop: a list that is known beforehand, not {as_text(items)!r}")
        return "".join(self._once(task, _with(scope, {"item": item}), task.name) for item in items)

    def _once(self, task: Task, scope: _Scope, name: str) -> str:
        name = name if task.no_log else self._name(name, scope)
        held = condition(task.when, scope.known, scope.registered)
        short = actions.name_of(task.action)
        if short == "set_fact":
            return self._set_fact(task, held, scope)
        if held is False and not task.register:
            return ""
        number = next(self._numbers)
        changes = held is not False and task.changed_when != ("false",) and actions.changes(task.action)
        self.numbered.append(Numbered(number, scope.playbook.id, name, changes, task.no_log))
        register = shlex.quote(task.register)
        skip = f"begin {number}; give skipped true; finish {number} {register}\n"
        if task.register and task.register not in scope.registered:
            scope.registered.append(task.register)
        if held is False:
            return f'if [ -z "$stopped" ]; then {skip.strip()}; fi\n'
        run = self._run(task, scope, number, short)
        if isinstance(held, ShellText):
            run = f"if {held.text}; then\n{run}else {skip}fi\n"
        return f'if [ -z "$stopped" ]; then # {" ".join(name.split())}\n{run}fi\n'

    def _run(self, task: Task, scope: _Scope, number: int, short: str) -> str:
        checks = self.check if task.check_mode is None else task.check_mode
        lines = [
            f"begin {number}\n",
            *(["hide\n"] if task.no_log else []),
            f"( check={'1' if checks else ''}\n",
        ]
        lines += self._assignments(task, scope, short)
        body = actions.body(task.action)
        if body:
            self._used[short] = task.action
            lines.append(f"action_{short}\n")
        lines.append(") || died\n")
        own = [*scope.registered, *([task.register] if task.register else [])]
        if task.changed_when is not None or task.failed_when is not None:
            lines.append(f"as_registered {shlex.quote(task.register or '_')}\n")
            own.append("_")
        for key, conditions in (("changed", task.changed_when), ("failed", task.failed_when)):
            if conditions is not None:
                held = condition(conditions, scope.known, own)
                decided = f"decide {key} {_word(held)}" if isinstance(held, bool) else _decide(key, held)
                lines.append(f"is_skipped || {decided}\n")
        lines.append(f"finish {number} {shlex.quote(task.register)}\n")
        for name in task.notify:
            lines.append(f'is_changed && : >"$work/notified/{scope.handler[name]}"\n')
        if task.ignore_errors:
            lines.append(f"is_failed && say ignored {number}\n")
        else:
            lines.append("is_failed && stopped=1\n")
        return "".join(lines)

    def _assignments(self, task: Task, scope: _Scope, short: str) -> Iterator[str]:
        given = dict(task.arguments)
        that = given.pop("that", None) if short == "assert" else None
        given = self._with_files(given, scope, short)
        arguments = bind(task.action, render(given, scope.known, scope.registered))
        if that is not None:
            arguments["that"] = ()
        for name, value in arguments.items():
            yield from _assign(f"arg_{name}", value)
        if that is not None:
            for text in that if isinstance(that, list) else [that]:
                held = condition([as_text(text)], scope.known, scope.registered)
                test = ("true" if held else "false") if isinstance(held, bool) else held.text
                yield f'if {test}; then arg_that="$arg_that true"; else arg_that="$arg_that false"; fi\n'

    def _with_files(self, given: dict[str, Any], scope: _Scope, short: str) -> dict[str, Any]:
        """The text that ``template`` renders and ``copy`` takes from a file beside the playbook."""
        if short not in ("template", "copy") or "src" not in given:
            return given
        name = as_text(render(given["src"], scope.known))
        folder = "templates" if short == "template" else "files"
        beside = scope.playbook.path.parent
        path = next((p for p in (beside / folder / name, beside / name) if p.is_file()), None)
        if path is None:
            raise ValueError(f"src: there is no {folder}/{name} beside the playbook")
        text = path.read_text(encoding="utf-8")
        content = as_text(render(text, scope.known)) if short == "template" else text
        return {**given, "content": Plain(content)}

    def _set_fact(self, task: Task, held: bool | ShellText, scope: _Scope) -> str:
        if isinstance(held, ShellText):
            raise ValueError("set_fact hangs on a registered result: it must be known beforehand")
        if held:
            for key, value in task.arguments.items():
                found = render(value, scope.known, scope.registered)
                if isinstance(found, ShellText):
                    raise ValueError("set_fact: a registered result cannot be set; use it where it is needed")
                scope.known[key] = found
        return ""

    def _name(self, name: str, scope: _Scope) -> str:
        try:
            text = render(name, scope.known, scope.registered)
        except JinjaError:
            return name
        return name if isinstance(text, ShellText) else as_text(text)


def _with(scope: _Scope, more: Mapping[str, Any]) -> _Scope:
    return _Scope(scope.playbook, {**scope.known, **more}, scope.registered, scope.handler)


def _assign(name: str, value: Any) -> Iterator[str]:
    if value is None:
        yield f"unset {name}\n"
    elif isinstance(value, ShellText):
        yield f"{name}={value.text}\n"
    elif isinstance(value, tuple) and any(isinstance(item, ShellText) for item in value):
        words = " ".join(
            item.text if isinstance(item, ShellText) else shlex.quote(as_text(item)) for item in value
        )
        yield f"{name}=$(quoted {words})\n"
    elif isinstance(value, tuple):
        yield f"{name}={shlex.quote(' '.join(shlex.quote(as_text(item)) for item in value))}\n"
    elif isinstance(value, bool):
        yield f"{name}={'1' if value else ''}\n"
    else:
        yield f"{name}={shlex.quote(as_text(value))}\n"


def _word(held: bool) -> str:
    return "true" if held else "false"


def _decide(key: str, held: ShellText) -> str:
    return f"if {held.text}; then decide {key} true; else decide {key} false; fi"
