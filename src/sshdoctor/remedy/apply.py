"""A plan carried out through an open way in: sent once, heard, and ended by a confirmation or a restore."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from sshdoctor.access.base import Access, Output
from sshdoctor.errors import RemedyError
from sshdoctor.model import TaskResult
from sshdoctor.remedy.plan import Step
from sshdoctor.remedy.playbook.compile import Program, compile_playbooks
from sshdoctor.remedy.playbook.model import Playbook
from sshdoctor.remedy.playbook.results import Said, listen, results
from sshdoctor.remedy.script import applying_script, checking_script, guard_script

APPLY_SECONDS = 1800
"""For all tasks together: installing over a slow line takes its time."""
RESTORE_SECONDS = 120
NOT_GIVEN = "not given back: "
"""How the guard begins a line about a ban that its owner's tool did not take back (guard/way_back.sh)."""
CONFIRM_SECONDS = 40
"""It answers at once, but where a restore was first, which it waits for."""


def new_run() -> str:
    """The name of a remedy's state on the host: by time, so that they sort, and by chance."""
    from datetime import UTC, datetime

    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


class Applied(Struct, frozen=True):
    """What the tasks came to; ``trouble`` is why they did not end well, or empty."""

    tasks: tuple[TaskResult, ...]
    journal: tuple[str, ...] = ()
    trouble: str = ""
    effects: tuple[str, ...] = ()
    """What is another than before: "-ACCOUNT ADDRESS KEYWORD VALUE", "+unit NAME active" ..."""
    begun: bool = True
    """Whether anything on the host may have been changed."""


class Prepared(Struct, frozen=True):
    """The script of one remedy, compiled before anything is sent; ``seconds`` is 0 if no guard is needed."""

    program: Program
    seconds: int
    about: str = ""
    """What the host keeps of it, for whoever undoes it: see about.py."""
    client: str | None = None
    """Compare what the server would do for every account, as from this address; None: do not."""
    hold: int = 0
    """So many seconds what is opened stays open after the proof."""
    opening: str = ""
    """The file by which it is opened."""
    run: str = field(default_factory=new_run)


def prepare(
    steps: Sequence[Step], seconds: int, about: str = "", client: str = "", hold: int = 0
) -> Prepared:
    """``client`` is the client's address, for what is compared.

    Raises PlaybookError where a playbook asks for what is not known.
    """
    guarded = any(step.playbook.remedy.guard for step in steps)
    return Prepared(
        compile_playbooks(_pairs(steps)),
        seconds if guarded else 0,
        about,
        client if compares(steps) else None,
        hold=hold,
        opening=str(steps[0].variables.get("opening_file", "")) if hold else "",
    )


def compares(steps: Sequence[Step]) -> bool:
    """Whether a step may change what the server does for an account: then it says which of it."""
    return any(step.playbook.remedy.effects is not None for step in steps)


def _pairs(steps: Sequence[Step]) -> list[tuple[Playbook, Mapping[str, Any]]]:
    return [(step.playbook, step.variables) for step in steps]


def check(access: Access, steps: Sequence[Step]) -> Applied:
    """What the tasks would change, found out on the host without a change."""
    program = compile_playbooks(_pairs(steps), check=True)
    mark = secrets.token_hex(16)
    output = access.run(checking_script(program, mark), timeout=APPLY_SECONDS)
    return _applied(listen(output.stdout, mark), program, output)


def apply(access: Access, prepared: Prepared) -> Applied:
    """Run the tasks; an interrupt rolls back at once, a lost connection when the guard time is over."""
    mark = secrets.token_hex(16)
    script = applying_script(
        prepared.program,
        mark=mark,
        run=prepared.run,
        seconds=prepared.seconds,
        about=prepared.about,
        client=prepared.client,
        opening=prepared.opening,
    )
    output = access.run(script, timeout=APPLY_SECONDS, stop=guard_script("restore", prepared.run, mark))
    return _applied(listen(output.stdout, mark), prepared.program, output)


def go_on(access: Access, prepared: Prepared) -> Applied:
    """Run further tasks under the restore that is armed for the run: it puts back what they change, too."""
    mark = secrets.token_hex(16)
    script = applying_script(
        prepared.program,
        mark=mark,
        run=prepared.run,
        seconds=prepared.seconds,
        about=prepared.about,
        client=prepared.client,
        joins=True,
    )
    output = access.run(script, timeout=APPLY_SECONDS, stop=guard_script("restore", prepared.run, mark))
    return _applied(listen(output.stdout, mark), prepared.program, output)


def together(first: Applied, more: Applied) -> Applied:
    """Both, as one."""
    return Applied(first.tasks + more.tasks, first.journal + more.journal, more.trouble, more.effects)


def apply_on_disk(access: Access, prepared: Prepared) -> Applied:
    """Run the tasks on a system that does not run; an interrupt puts back what they changed."""
    mark = secrets.token_hex(16)
    script = applying_script(
        prepared.program, mark=mark, run=prepared.run, seconds=0, about=prepared.about, on_disk=True
    )
    output = access.run(script, timeout=APPLY_SECONDS, stop=guard_script("undo", prepared.run, mark))
    return _applied(listen(output.stdout, mark), prepared.program, output)


def confirm(access: Access, prepared: Prepared) -> bool | None:
    """Disarm the restore, or put off the closing; False if it has begun, None if no answer came."""
    if not prepared.seconds:
        return True
    command = f"hold {prepared.hold}" if prepared.hold else "confirm"
    status = _guard(access, command, prepared.run, CONFIRM_SECONDS).status
    return None if status is None else status == 0


def restore(access: Access, prepared: Prepared) -> str | None:
    """Put back now what the remedy changed: what could not be given back, a line each; "" is all of it.

    None if it cannot be known to be done.
    """
    if not prepared.seconds:
        return None
    output = _guard(access, "restore", prepared.run)
    said = output.stdout.decode("utf-8", "backslashreplace").splitlines()
    return "; ".join(line for line in said if line.startswith(NOT_GIVEN)) if output.status == 0 else None


def _guard(access: Access, command: str, run: str, seconds: float = RESTORE_SECONDS) -> Output:
    script = guard_script(command, run, secrets.token_hex(16))
    return access.run(script, timeout=seconds)


def described(access: Access) -> tuple[str, str, str]:
    """The remedy that an undo would take back: its name on the host, since when, and what it is.

    Raises RemedyError if there is none.
    """
    output = _guard(access, "describe", "")
    said = output.stdout.decode("utf-8", "backslashreplace").strip()
    if output.status != 0:
        raise RemedyError(f"nothing was undone: {_why(output, said)}")
    run, since, *about = [*said.splitlines(), "", ""]
    return run, since, "\n".join(about).strip()


def _why(output: Output, said: str) -> str:
    return (output.error or said or "the host did not say why").removeprefix("guard: ")


def rules_then(access: Access) -> dict[str, str]:
    """What each tool of the firewall would hold after an undo, by its name; {} where nobody can say."""
    mark = secrets.token_hex(16)
    output = access.run(guard_script("foretell", "", mark), timeout=RESTORE_SECONDS)
    said = listen(output.stdout, mark).other
    tools = {kind.removeprefix("then-"): text for kind, text in said.items() if kind.startswith("then-")}
    return tools if output.status == 0 and "over" in said else {}


def undo(access: Access, run: str = "") -> str:
    """Put back what the remedy ``run`` changed, or the last one; what the host says of it.

    Raises RemedyError if there is nothing to undo, or it failed.
    """
    output = _guard(access, "undo", run)
    said = output.stdout.decode("utf-8", "backslashreplace").strip()
    if output.status is None:
        raise RemedyError(f"whether it was undone is not known: {output.error}; the host goes on by itself")
    if output.status != 0:
        raise RemedyError(f"nothing was undone: {_why(output, said)}")
    return said


def _applied(said: Said, program: Program, output: Output) -> Applied:
    tasks = results(said, program.tasks)
    journal = tuple(line for line in said.other.get("journal", "").splitlines() if line)
    effects = tuple(line for line in said.other.get("effects", "").splitlines() if line)
    return Applied(tasks, journal, _trouble(said, tasks, output), effects, "refused" not in said.other)


def _trouble(said: Said, tasks: Sequence[TaskResult], output: Output) -> str:
    if "refused" in said.other:
        return said.other["refused"].strip() or output.error
    failed = next((task for task in tasks if task.status == "failed"), None)
    if failed is not None:
        return f"{failed.playbook}: {failed.name}: {failed.message}"
    if "over" not in said.other:
        return f"the tasks did not end: {output.error or 'the connection was lost'}"
    return ""


def rolled_back(tasks: Sequence[TaskResult]) -> tuple[TaskResult, ...]:
    """The same tasks after a restore: what had been changed is as before."""
    return tuple(replace(task, status="rolled-back") if task.status == "changed" else task for task in tasks)
