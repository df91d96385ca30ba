"""Playbook files in, Playbooks out: a closed subset of Ansible; every fault of every file is told at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from sshdoctor.documents.reader import Block, BlockReader, suggest
from sshdoctor.documents.shipped import read_document
from sshdoctor.errors import DocumentError, PlaybookError
from sshdoctor.remedy import modules as actions
from sshdoctor.remedy.playbook import arguments
from sshdoctor.remedy.playbook.expression import JinjaError, check_condition, names
from sshdoctor.remedy.playbook.model import Playbook, Remedy, Step, Task, TaskBlock

IMPORT = "ansible.builtin.import_playbook"
PLAY_KEYS = ("name", "hosts", "become", "gather_facts", "vars", "tasks", "handlers", "tags")
TASK_KEYS = ("name", "when", "register", "loop", "changed_when", "failed_when", "check_mode", "tags",
             "ignore_errors", "no_log", "notify", "become", "vars", "args")  # fmt: skip
GROUP_KEYS = ("name", "block", "rescue", "always", "when", "tags", "become", "ignore_errors")
_REMEDY_KEYS = ("mends", "risk", "guard", "only_with_cause", "on_disk", "order", "effects", "for_a_while")
_RISKS = ("low", "medium", "high")


def load_playbooks(folders: Sequence[Path]) -> tuple[Playbook, ...]:
    """All playbooks in ``folders`` (``<id>.yml``), by id; a later folder's may not repeat an earlier one's.

    Raises PlaybookError with every fault of every file.
    """
    faults: list[str] = []
    found: dict[str, Playbook] = {}
    for path in (path for folder in folders for path in sorted(folder.glob("*.yml"))):
        try:
            playbook = load_playbook(path)
        except PlaybookError as error:
            faults.extend(error.faults)
            continue
        if playbook.id in found:
            faults.append(
                f"{path}:1: the playbook {playbook.id!r} stands already in {found[playbook.id].path}"
            )
        found[playbook.id] = playbook
    if faults:
        raise PlaybookError(tuple(faults))
    return tuple(found[name] for name in sorted(found))


def load_playbook(path: Path) -> Playbook:
    """One playbook. Raises PlaybookError with every fault of the file."""
    try:
        document = read_document(path)
    except DocumentError as error:
        raise PlaybookError(tuple(str(error).splitlines())) from None
    reader = _PlaybookReader(path)
    playbook = reader.playbook(document)
    if reader.faults or playbook is None:
        raise PlaybookError(tuple(reader.faults))
    return playbook


class _PlaybookReader(BlockReader):
    """Reads one file, and those that it imports."""

    def playbook(self, document: Any) -> Playbook | None:
        play = self.first_play(document)
        if play is None:
            return None
        whole = self.play(play)
        return replace(whole, imports=tuple(self.imported(item, whole) for item in document[1:]))

    def first_play(self, document: Any) -> Block | None:
        """The play of a file, which only imports of others' may follow; None where it is no playbook."""
        items = document if isinstance(document, list) else []
        plays = [item for item in items if isinstance(item, Block)]
        if plays and plays == items and all(IMPORT in item for item in plays[1:]):
            return plays[0]
        self.fault(1, f"a playbook is one play: - name, hosts, tasks; and then only {IMPORT} of others")
        return None

    def imported(self, item: Block, whole: Playbook) -> Playbook:
        """The play of another file, as a part of ``whole``."""
        self.keys(item, ("name", IMPORT))
        name = Path(self.text(item, IMPORT))
        if name.is_absolute() or ".." in name.parts:
            self.at(item, IMPORT, "a file in this folder, or below it")
            return whole
        part = _PlaybookReader(self.path.parent / name)
        try:
            document = read_document(part.path)
        except DocumentError as error:
            self.faults.extend(str(error).splitlines())
            return whole
        play = part.first_play(document)
        found = part.play(play) if play is not None else whole
        if len(document) != 1 or found.become is not whole.become or found.remedy != Remedy():
            part.fault(
                1, f"what is imported is one play, with become as in {self.path}, and without a remedy"
            )
        self.faults.extend(part.faults)
        return replace(found, id=whole.id)

    def play(self, play: Block) -> Playbook:
        self.keys(play, PLAY_KEYS)
        if play.get("gather_facts") is not False:
            self.at(play, "gather_facts", "gather_facts: false must stand here; there are no Ansible facts")
        variables = self.mapping(play, "vars")
        handlers = self.steps(play, "handlers")
        for handler in handlers:
            if isinstance(handler, TaskBlock):
                self.fault(handler.line, "a handler is a single task here")
        playbook = Playbook(
            id=self.path.stem,
            title=self.text(play, "name"),
            path=self.path,
            remedy=self.remedy(variables),
            become=self.truth(play, "become", False),
            variables={key: value for key, value in variables.items() if key != "remedy"},
            tasks=self.steps(play, "tasks"),
            handlers=tuple(handler for handler in handlers if isinstance(handler, Task)),
        )
        self.notifications(playbook)
        return playbook

    def remedy(self, variables: Block) -> Remedy:
        if "remedy" not in variables:
            return Remedy()
        block = variables["remedy"]
        if not isinstance(block, Block):
            self.at(variables, "remedy", "remedy: {mends: [causes], risk: low, medium or high}")
            return Remedy()
        self.keys(block, _REMEDY_KEYS)
        risk = block.get("risk", "medium")
        if risk not in _RISKS:
            self.at(block, "risk", f"low, medium or high, not {risk!r}")
        on_disk = block.get("on_disk", "")
        if on_disk not in ("", "also", "only"):
            self.at(block, "on_disk", f"also or only, not {on_disk!r}")
        order = block.get("order", 0)
        if type(order) is not int or not 0 <= order <= 99:
            self.at(block, "order", f"a number from 1 to 99, not {order!r}")
            order = 0
        return Remedy(
            order=order,
            effects=self.words(block, "effects") if "effects" in block else None,
            mends=self.words(block, "mends"),
            risk=str(risk),
            guard=self.truth(block, "guard", True),
            only_with_cause=self.truth(block, "only_with_cause", False),
            on_disk=str(on_disk),
            for_a_while=self.truth(block, "for_a_while", False),
        )

    def steps(self, block: Block, key: str) -> tuple[Step, ...]:
        items = block.get(key) or []
        if not isinstance(items, list) or not all(isinstance(item, Block) for item in items):
            self.at(block, key, f"{key} is a list of tasks")
            return ()
        found = [self.group(item) if "block" in item else self.task(item) for item in items]
        return tuple(step for step in found if step is not None)

    def group(self, item: Block) -> TaskBlock:
        self.keys(item, GROUP_KEYS)
        self.becomes(item)
        return TaskBlock(
            name=self.text(item, "name", required=False),
            line=item.line,
            tasks=self.steps(item, "block"),
            rescue=self.steps(item, "rescue"),
            always=self.steps(item, "always"),
            when=self.conditions(item, "when") or (),
            tags=self.words(item, "tags"),
            ignore_errors=self.truth(item, "ignore_errors", False),
        )

    def task(self, item: Block) -> Task | None:
        named = [key for key in item if key not in TASK_KEYS]
        modules = [key for key in named if actions.load(str(key)) is not None]
        for key in named:
            if key not in modules:
                self.unknown(item, str(key))
        if len(modules) != 1:
            if not named or len(modules) > 1:
                self.fault(item.line, "a task has one module: " + (", ".join(modules) or "there is none"))
            return None
        action = actions.load(modules[0])
        assert action is not None  # noqa: S101 -- it has just been found
        self.becomes(item)
        loop = item.get("loop")
        if loop is not None and not isinstance(loop, str | list):
            self.at(item, "loop", "a list, or a template that gives one")
        if loop is not None and "register" in item:
            self.at(item, "register", "a loop's results cannot be registered here")
        return Task(
            name=self.text(item, "name"),
            line=item.line,
            action=action,
            arguments=self.arguments(item, modules[0]),
            when=self.conditions(item, "when") or (),
            register=self.word(item, "register"),
            loop=loop,
            changed_when=self.conditions(item, "changed_when"),
            failed_when=self.conditions(item, "failed_when"),
            check_mode=self.truth(item, "check_mode", False) if "check_mode" in item else None,
            ignore_errors=self.truth(item, "ignore_errors", False),
            no_log=self.truth(item, "no_log", False),
            notify=self.words(item, "notify"),
            tags=self.words(item, "tags"),
            variables=self.mapping(item, "vars"),
        )

    def arguments(self, item: Block, key: str) -> Mapping[str, Any]:
        action = actions.load(key)
        assert action is not None  # noqa: S101 -- the caller has found it
        given = item[key] if item[key] is not None else Block()
        extra = self.mapping(item, "args")
        free = getattr(action, "FREE_FORM", "")
        if isinstance(given, str) and free:
            given = {free: given}
        if not isinstance(given, Mapping):
            self.at(item, key, f"{key}: its arguments are a mapping")
            return {}
        given = {**given, **extra}
        lines = getattr(item[key], "lines", {})
        for argument, what in arguments.faults(action, given):
            self.fault(lines.get(argument, item.lines[key]), what)
        self.templates(given, item.lines[key])
        return given

    def templates(self, value: Any, line: int) -> None:
        if isinstance(value, Mapping):
            for key, inner in value.items():
                self.templates(inner, getattr(value, "lines", {}).get(key, line))
        elif isinstance(value, list):
            for inner in value:
                self.templates(inner, line)
        elif isinstance(value, str) and ("{{" in value or "{%" in value):
            try:
                names(value)
            except JinjaError as error:
                self.fault(line, f"{value!r}: {error}")

    def becomes(self, item: Block) -> None:
        if "become" in item and item["become"] is not True:
            self.at(item, "become", "a whole playbook runs as root or not: become stands on the play")

    def notifications(self, playbook: Playbook) -> None:
        known = [handler.name for handler in playbook.handlers]
        for task in playbook.every_task():
            for name in task.notify:
                if name not in known:
                    self.fault(task.line, f"notify: there is no handler {name!r}{suggest(name, known)}")

    def conditions(self, item: Block, key: str) -> tuple[str, ...] | None:
        if key not in item:
            return None
        value = item[key]
        found = tuple(
            str(one).lower() if isinstance(one, bool) else one
            for one in (value if isinstance(value, list) else [value])
        )
        for one in found:
            if not isinstance(one, str) or "{{" in one:
                self.at(item, key, f"{key} is an expression without braces, or a list of them")
                return ()
            try:
                check_condition(one)
            except JinjaError as error:
                self.at(item, key, f"{key}: {one}: {error}")
                return ()
        return found

    def unknown(self, item: Block, key: str) -> None:
        close = suggest(key.rpartition(".")[2], [*TASK_KEYS, *actions.known()])
        kind = "module" if "." in key else "keyword or module"
        self.at(item, key, f"the {kind} {key!r} is not among those understood here{close}")

    def word(self, block: Block, key: str) -> str:
        value = self.text(block, key, required=False)
        if value and not value.isidentifier():
            self.at(block, key, f"{key} is one word, not {value!r}")
        return value

    def words(self, block: Block, key: str) -> tuple[str, ...]:
        """Ansible takes a single word for a list of one."""
        value = block.get(key)
        return (value,) if isinstance(value, str) else super().words(block, key)
