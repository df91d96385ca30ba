"""Ways in that are a command on this machine: the machine itself, and a container engine's exec."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import threading
import time

from sshdoctor.access.base import Output
from sshdoctor.access.shell import KeptOutput, Shell, become_shell, run_script
from sshdoctor.errors import AccessError
from sshdoctor.model import Become

_CHUNK = 65536


class ProcessAccess:
    """Scripts run by ``prefix`` + ``sh``: nothing stays open between two runs."""

    def __init__(
        self, via: str, detail: str, prefix: tuple[str, ...], become: Become | None, timeout: float
    ) -> None:
        self.via = via
        self.detail = detail
        self._prefix = prefix
        self._shell: Shell
        self._shell, self.privileges = become_shell(become, self._execute, timeout)

    def run(self, script: str, *, timeout: float, limit: int = 64 * 2**20, stop: str = "") -> Output:
        return run_script(self._execute, self._shell, script, timeout=timeout, limit=limit, stop=stop)

    def stream(self, argv: tuple[str, ...]) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = subprocess.Popen(
                    (*self._prefix, *argv),
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            except OSError as error:
                ours.close()
                raise AccessError("not-running", error.strerror or "") from None
        threading.Thread(target=process.wait, daemon=True).start()  # or it would stay as a zombie
        return ours

    def close(self) -> None:
        """Nothing is open."""

    def _execute(self, argv: tuple[str, ...], stdin: bytes, timeout: float, capture: KeptOutput) -> None:
        execute((*self._prefix, *argv), stdin, timeout, capture)


def execute(argv: tuple[str, ...], stdin: bytes, timeout: float, capture: KeptOutput) -> None:
    """Run ``argv`` in a session of its own, so that a Ctrl-C at the terminal does not reach it.

    Raises AccessError ``not-installed`` if there is no such program.
    """
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise AccessError("not-installed", f"{argv[0]} is not installed here") from None
    except OSError as error:
        raise AccessError("not-running", f"{argv[0]}: {error.strerror}") from None
    try:
        _communicate(process, stdin, time.monotonic() + timeout, capture)
        if not capture.cut:
            capture.status = process.returncode
    except subprocess.TimeoutExpired:
        capture.cut = f"timed out after {timeout:g} s"
    finally:
        _kill(process)


def _communicate(
    process: subprocess.Popen[bytes], stdin: bytes, deadline: float, capture: KeptOutput
) -> None:
    """Feed and read all three pipes at once, until the process is gone or the output is too long."""
    assert process.stdin and process.stdout and process.stderr  # noqa: S101 -- all three are pipes
    rest = memoryview(stdin)
    with selectors.DefaultSelector() as selector:
        os.set_blocking(process.stdin.fileno(), False)
        selector.register(process.stdin, selectors.EVENT_WRITE)
        selector.register(process.stdout, selectors.EVENT_READ, capture.add_stdout)
        selector.register(process.stderr, selectors.EVENT_READ, capture.add_stderr)
        while selector.get_map() and not capture.cut:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise subprocess.TimeoutExpired(process.args, 0)
            for key, _ in selector.select(remaining):
                if key.fileobj is process.stdin:
                    rest = _feed(process.stdin.fileno(), rest)
                    over = not rest
                else:
                    chunk = os.read(key.fd, _CHUNK)
                    key.data(chunk)
                    over = not chunk
                if over:
                    selector.unregister(key.fileobj)
                    key.fileobj.close()  # type: ignore[union-attr]  # it is one of the three pipes
    if not capture.cut:
        process.wait(max(0.0, deadline - time.monotonic()))


def _feed(descriptor: int, rest: memoryview) -> memoryview:
    try:
        return rest[os.write(descriptor, rest[:_CHUNK]) :]
    except BlockingIOError:
        return rest
    except BrokenPipeError:  # a script that ends early does not read on
        return rest[:0]


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Whatever is left of the process's group; what belongs to root is not ours to kill (see shell.py)."""
    if process.returncode is None:
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            pipe.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(1)
