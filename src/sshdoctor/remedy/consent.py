"""What a person wants, and asking before anything is changed: on the terminal, playbook by playbook."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from sshdoctor.remedy.plan import Step

Answer = Literal["yes", "no", "all", "quit"]
_ANSWERS: dict[str, Answer] = {"y": "yes", "n": "no", "a": "all", "q": "quit"}


class Choice(Struct, frozen=True, kw_only=True):
    """What the person wants: only ``causes`` (all if empty); ``seconds`` is the guard time."""

    seconds: int
    causes: tuple[str, ...] = ()
    check: bool = False
    unasked: bool = False
    """Nobody is asked: only what mends a proved first cause, and what stands behind it, is done."""
    hold: int = 0
    """So many seconds what is opened stays open; 0: nothing is opened for a while."""
    source: str = ""
    """Whom to open the firewall for: "" is this client alone, else "any" or a network."""


def chosen(steps: Sequence[Step], ask: Callable[[Step], Answer]) -> tuple[Step, ...]:
    """The steps that were agreed to; none if the person quits."""
    agreed: list[Step] = []
    for number, step in enumerate(steps):
        answer = ask(step)
        if answer == "quit":
            return ()
        if answer == "all":
            return (*agreed, *steps[number:])
        if answer == "yes":
            agreed.append(step)
    return tuple(agreed)


def ask_on_terminal(step: Step, show_diff: Callable[[Step], str]) -> Answer:
    """Ask until one of yes, no, all, quit is typed; ``d`` shows what would change."""
    while True:
        sys.stderr.write(f"Apply {step.playbook.id}? [y]es, [n]o, [a]ll, [q]uit, show [d]iff: ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            sys.stderr.write("\n")
            return "quit"
        word = line.strip().lower()[:1]
        if word == "d":
            sys.stderr.write(show_diff(step))
        elif word in _ANSWERS:
            return _ANSWERS[word]


def is_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def agreed_to_undo(host: str, told: str, *, yes: bool) -> bool:
    """Whether the person agrees to putting back the last remedy on ``host``; ``told`` says what it is."""
    sys.stderr.write(f"{host}: undo puts back\n" + "".join(f"  {line}\n" for line in told.splitlines()))
    if yes:
        return True
    if not is_terminal():
        sys.stderr.write("Nothing is changed: nobody is there to be asked (--yes agrees to it).\n")
        return False
    sys.stderr.write(f"Put it back on {host}? [y]es, [n]o: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
