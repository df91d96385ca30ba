"""How a script reaches ``sh``: as who, how its output is kept, and how what it started is ended."""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Callable

from msgspec import Struct, field

from sshdoctor.access.base import Output
from sshdoctor.errors import AccessError
from sshdoctor.model import Become

STOP_SECONDS = 10
_ERROR_BYTES = 4096


class Shell(Struct, frozen=True):
    """The command that reads a script from standard input, behind a random word in a line of its own.

    The shell first tells its process id, parent and group on standard error (proc(5), stat), behind that
    word, so that it can be ended later. The word stands in no command line: whoever knew it could name
    another process.
    With a password, sudo reads it as the first line of input (never in argv or the environment); ``-k``
    makes it ask whatever it remembers, so timestamp_timeout=0 and per-terminal tickets make no
    difference; and where it does not ask (NOPASSWD) the loop throws the line away.
    """

    become: Become | None = None
    token: str = field(default_factory=lambda: f"sshdoctor-{secrets.token_hex(8)}")

    @property
    def argv(self) -> tuple[str, ...]:
        """Plain words without a newline or a quote inside, so that any login shell passes them on."""
        group = "read -r pid name state parent group rest 2>/dev/null </proc/$$/stat"
        start = f"{group}; echo $word $$ $parent $group >&2; exec sh -s"
        if self.become is None or self.become.password is None:
            return (*self._sudo(), "sh", "-c", f"IFS= read -r word; {start}")
        wait = f"while IFS= read -r word; do case $word in sshdoctor-*) {start} ;; esac; done"
        return (*self._sudo(), "sh", "-c", wait)

    def stdin(self, script: str) -> bytes:
        password = self.become.password if self.become else None
        first = f"{password.reveal()}\n" if password else ""
        return f"{first}{self.token}\n{script}".encode("utf-8", "surrogateescape")

    @property
    def trial(self) -> tuple[tuple[str, ...], bytes]:
        """A command, and its input, that succeeds if sudo lets us: one password is tried, once."""
        password = self.become.password if self.become else None
        return (*self._sudo(), "true"), f"{password.reveal()}\n".encode() if password else b""

    def _sudo(self) -> tuple[str, ...]:
        if self.become is None:
            return ()
        ask = ("-n",) if self.become.password is None else ("-k", "-S", "-p", "")
        return ("sudo", *ask, "-u", self.become.user)


class KeptOutput:
    """The output of one command while it comes in: at most ``limit`` bytes, and the end of standard error."""

    def __init__(self, token: str, limit: int) -> None:
        self.processes: tuple[int, ...] = ()
        """The shell's process id, and its parent's and its group's if the host could tell."""
        self.status: int | None = None
        self.cut = ""
        self._announced = re.compile(rf"^{token} (\d+)(?: (\d+) (\d+))?\n".encode(), re.MULTILINE)
        self._limit = limit
        self._stdout = bytearray()
        self._stderr = b""

    def add_stdout(self, chunk: bytes) -> None:
        self._stdout += chunk[: self._limit - len(self._stdout) + 1]
        if len(self._stdout) > self._limit:
            del self._stdout[self._limit :]
            self.cut = f"more than {self._limit} bytes of output"

    def add_stderr(self, chunk: bytes) -> None:
        self._stderr += chunk
        if not self.processes and (found := self._announced.search(self._stderr)):
            self.processes = tuple(int(number) for number in found.groups() if number)
            self._stderr = self._stderr[: found.start()] + self._stderr[found.end() :]
        self._stderr = self._stderr[-_ERROR_BYTES:]

    def output(self) -> Output:
        lines = [line.strip() for line in self._stderr.decode("utf-8", "backslashreplace").splitlines()]
        said = next((line for line in reversed(lines) if line), "")
        return Output(bytes(self._stdout), None if self.cut else self.status, self.cut or said)


Execute = Callable[[tuple[str, ...], bytes, float, KeptOutput], None]
"""Run a command with an input, for so many seconds, into a Capture. Raises AccessError if it cannot start."""


def become_shell(become: Become | None, execute: Execute, timeout: float) -> tuple[Shell, str]:
    """The shell to use, and why it has not the privileges that were asked for ("" if it has).

    That sudo refuses is no error: much can be seen without root.
    """
    if become is None:
        return Shell(), ""
    shell = Shell(become)
    capture = KeptOutput(shell.token, 4096)
    argv, stdin = shell.trial
    execute(argv, stdin, timeout, capture)
    output = capture.output()
    if output.status == 0:
        return shell, ""
    # A session that the host ends says so once, and this was the first.
    told = output.stdout.decode("utf-8", "backslashreplace").splitlines()
    last = next((line.strip() for line in reversed(told) if line.strip()), "sudo did not let us")
    return Shell(), output.error or last


def run_script(
    execute: Execute, shell: Shell, script: str, *, timeout: float, limit: int, stop: str
) -> Output:
    """``Access.run`` for whatever can execute a command."""
    capture = KeptOutput(shell.token, limit)
    try:
        execute(shell.argv, shell.stdin(script), timeout, capture)
    except (KeyboardInterrupt, SystemExit):
        _end(execute, shell, capture.processes, stop)
        raise
    if capture.cut:
        _end(execute, shell, capture.processes, stop)
    return capture.output()


def _end(execute: Execute, shell: Shell, processes: tuple[int, ...], stop: str) -> None:
    """Kill the shell and its process group, then do what the caller wants done."""
    kill = kill_script(processes, under_sudo=shell.become is not None)
    with contextlib.suppress(AccessError):  # a host that is gone cannot be tidied up
        execute(shell.argv, shell.stdin(kill + stop), STOP_SECONDS, KeptOutput(shell.token, 4096))


def kill_script(processes: tuple[int, ...], *, under_sudo: bool) -> str:
    """What kills the shell and its process group, if the group is its own.

    It is its own if the shell leads it, or the sudo that started the shell does. Any other group may be
    the server's, which must not be killed.

    >>> kill_script((7, 5, 7), under_sudo=False)
    'kill -9 7 -7 2>/dev/null\\n'
    >>> kill_script((7, 5, 5), under_sudo=False)
    'kill -9 7 2>/dev/null\\n'
    """
    if not processes:
        return ""
    pid, *others = processes
    parent, group = others or (0, 0)
    own = group > 1 and (group == pid or (under_sudo and group == parent))
    return f"kill -9 {pid} -{group} 2>/dev/null\n" if own else f"kill -9 {pid} 2>/dev/null\n"
