"""A stack is walked as Linux-PAM walks it (libpam/pam_dispatch.c)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sshdoctor.doors.pam.stack import Handler

FAILS = "perm_denied"
"""What a stack says that nobody decides."""


def dispatch(stack: Sequence[Handler], call: Callable[[Handler], str]) -> str:
    """What the stack returns; ``call`` gives what a module does."""
    if not stack:
        return FAILS
    impression, status = "", FAILS
    entered = {0: (impression, status)}
    at = before = 0
    while at < len(stack):
        line = stack[at]
        if before < line.level:
            entered[line.level] = (impression, status)
        before = line.level
        if line.module == "substack":
            at += 1
            continue
        returned = call(line) if line.module else FAILS
        action = line.action(returned)
        decided = False
        if action == "reset":
            impression, status = entered[line.level]
        elif action in ("ok", "done"):
            if not impression or (impression == "positive" and status == "success"):
                impression, status = "positive", returned
            decided = action == "done" and impression == "positive"
        elif action in ("bad", "die"):
            if impression != "negative":
                impression, status = "negative", FAILS if returned == "ignore" else returned
            decided = action == "die"
        elif action.isdecimal():
            at, left = _jump(stack, at, int(action))
            if left:
                impression, status = "negative", FAILS
        if decided:
            at = _end_of_level(stack, at)
        at += 1
    return FAILS if status == "success" and impression != "positive" else status


def _jump(stack: Sequence[Handler], at: int, count: int) -> tuple[int, int]:
    """Past ``count`` lines of this level, a substack counting as one; and how many there were not."""
    level = stack[at].level
    while at + 1 < len(stack) and stack[at + 1].level >= level and count:
        at += 1
        while at + 1 < len(stack) and stack[at + 1].level > level:
            at += 1
        count -= 1
    return at, count


def _end_of_level(stack: Sequence[Handler], at: int) -> int:
    level = stack[at].level
    while at + 1 < len(stack) and stack[at + 1].level >= level:
        at += 1
    return at
