"""A stack is walked as Linux-PAM walks it (libpam/pam_dispatch.c)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sshdoctor.doors.pam.stack import Handler

FAILS = "perm_denied"
"""What a stack says that nobody decides."""
Call = Callable[[Handler], str]


class Walk:
    """One walk; ``call`` gives what a module does.

    ``frozen`` is for credentials (pam_setcred): what each line, by its place in the stack, returned when it
    was asked who comes. That decides where the walk goes; a line that was not asked decides by itself.
    ``jumps_agree``: a line that jumps there has agreed, as Linux-PAM has it; Debian's takes that out again
    (its patch 045_pam_dispatch_jump_is_ignore).
    """

    def __init__(
        self,
        stack: Sequence[Handler],
        call: Call,
        frozen: Mapping[int, str] | None = None,
        *,
        jumps_agree: bool = False,
    ) -> None:
        self._stack, self._call, self._frozen, self._jumps_agree = stack, call, frozen, jumps_agree
        self._impression, self._status = "", FAILS
        self.returned: dict[int, str] = {}
        """What each line that was asked returned."""

    def result(self) -> str:
        """What the stack returns."""
        stack, at, before = self._stack, 0, 0
        entered = {0: (self._impression, self._status)}
        while at < len(stack):
            level = stack[at].level
            if before < level:
                entered[level] = (self._impression, self._status)
            before = level
            if stack[at].module != "substack":
                at = self._step(at, entered[level])
            at += 1
        if self._status == "success" and self._impression != "positive":
            return FAILS
        return self._status

    def _step(self, at: int, entered: tuple[str, str]) -> int:
        """Asks one line, and gives where the walk has come to."""
        line = self._stack[at]
        returned = self._call(line) if line.module else FAILS
        self.returned[at] = returned
        known = returned if self._frozen is None else self._frozen.get(at, returned)
        action = line.action(known)
        if action == "reset":
            self._impression, self._status = entered
        elif action in ("ok", "done"):
            self._agree(returned, known)
            if action == "done" and self._impression == "positive":
                return self._end_of_level(at)
        elif action in ("bad", "die"):
            self._refuse(returned)
            if action == "die":
                return self._end_of_level(at)
        elif action.isdecimal():
            if self._frozen is not None and self._jumps_agree:
                self._agree(returned, known)
            return self._jump(at, int(action))
        return at

    def _agree(self, returned: str, known: str) -> None:
        open_still = not self._impression or (self._impression == "positive" and self._status == "success")
        if open_still and (returned != "ignore" or known == returned):
            self._impression, self._status = "positive", returned

    def _refuse(self, returned: str) -> None:
        if self._impression != "negative":
            self._impression, self._status = "negative", FAILS if returned == "ignore" else returned

    def _jump(self, at: int, count: int) -> int:
        """Past ``count`` lines of this level, a substack counting as one; too many refuse."""
        stack, level = self._stack, self._stack[at].level
        while at + 1 < len(stack) and stack[at + 1].level >= level and count:
            at += 1
            while at + 1 < len(stack) and stack[at + 1].level > level:
                at += 1
            count -= 1
        if count:
            self._impression, self._status = "negative", FAILS
        return at

    def _end_of_level(self, at: int) -> int:
        level = self._stack[at].level
        while at + 1 < len(self._stack) and self._stack[at + 1].level >= level:
            at += 1
        return at
