"""The command, run by a process that forks: what it imports and reads of its own is there already.

``python -m sshdoctor.cli`` takes half a second of the processor before it dials, and the tests start it some
hundred times. The child runs the same module as ``__main__``, with the caller's folder and environment. What
a fresh interpreter does is proved where the command line itself is tested, in tests/commands.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock
from typing import Any, TextIO

COMMAND = "sshdoctor.cli"


def run_command(words: Sequence[str], *, seconds: float) -> subprocess.CompletedProcess[str]:
    """What ``sshdoctor WORDS`` wrote, and its exit code. Raises TimeoutExpired, when it is dead."""
    with TemporaryFile("w+", errors="replace") as output, TemporaryFile("w+", errors="replace") as errors:
        code = _server().run(words, (output, errors), seconds)
        for file in (output, errors):
            file.seek(0)
        return subprocess.CompletedProcess([COMMAND, *words], code, output.read(), errors.read())


class _Server:
    """The process that forks, as its one client sees it; it ends with this one."""

    def __init__(self) -> None:
        self._socket, other = socket.socketpair()
        with other:
            descriptor = other.fileno()
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, str(descriptor)], pass_fds=[descriptor]
            )
        self._answers = self._socket.makefile("r")
        self._one_at_a_time = Lock()

    def run(self, words: Sequence[str], files: Sequence[TextIO], seconds: float) -> int:
        """The exit code; minus the signal, if one ended it."""
        asked = {"words": list(words), "cwd": str(Path.cwd()), "environment": dict(os.environ)}
        line = json.dumps(asked).encode() + b"\n"
        with self._one_at_a_time:
            socket.send_fds(self._socket, [len(line).to_bytes(4, "big")], [file.fileno() for file in files])
            self._socket.sendall(line)
            pid = int(self._answers.readline())
            self._socket.settimeout(seconds)
            try:
                ended = self._socket.recv(64, socket.MSG_PEEK)
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                ended = b""
            self._socket.settimeout(None)
            code = int(self._answers.readline())
        if not ended:
            raise subprocess.TimeoutExpired([COMMAND, *words], seconds)
        return code


@cache
def _server() -> _Server:
    return _Server()


def _preload() -> None:
    import sshdoctor
    from sshdoctor import facts, services
    from sshdoctor.reasons import lookup
    from sshdoctor.reasons.client_words import client_lists

    for module in pkgutil.walk_packages(sshdoctor.__path__, "sshdoctor."):
        if module.name not in (COMMAND, "sshdoctor.pytest_plugin"):
            importlib.import_module(module.name)
    facts.names(), services.reply_words(), client_lists()
    for program in ("sshd", "systemd"):
        lookup.classify(program, "")
    gc.freeze()  # so that no child copies what it only reads


def _next_child(client: socket.socket) -> Mapping[str, Any] | None:
    """In the server None, when its client is gone; in each child what it is asked to be."""
    while True:
        size, files, _, _ = socket.recv_fds(client, 4, 2)
        if not size:
            return None
        line = client.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)
        pid = os.fork()
        if not pid:
            for place, file in enumerate(files, 1):
                os.dup2(file, place)
                os.close(file)
            client.close()
            asked: Mapping[str, Any] = json.loads(line)
            return asked
        for file in files:
            os.close(file)
        client.sendall(f"{pid}\n".encode())
        _, status = os.waitpid(pid, 0)
        client.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _become(asked: Mapping[str, Any]) -> None:
    """The command, to the end of this interpreter."""
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv[1:] = asked["words"]
    runpy.run_module(COMMAND, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _preload()
    if (child := _next_child(socket.socket(fileno=int(sys.argv[1])))) is not None:
        _become(child)
