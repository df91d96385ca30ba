"""A real sshd on the loopback, started and stopped by a test, with its own keys and configuration."""

from __future__ import annotations

import contextlib
import getpass
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sshdoctor.access.base import LoginError, LoginFailure
from sshdoctor.access.ssh.connection import open_ssh
from sshdoctor.model import Login

_CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_{kind}
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
AuthorizedKeysFile {folder}/authorized_keys
LogLevel VERBOSE
{options}
"""


class Sshd:
    """One sshd: ``folder`` holds its keys, the client's key ``id`` and a known_hosts that knows it."""

    def __init__(self, folder: Path, options: str = "", *, kind: str = "ed25519") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self.log = folder / "log"
        make_key(folder / "id")
        make_key(folder / f"host_{kind}", kind)
        (folder / "authorized_keys").write_bytes((folder / "id.pub").read_bytes())
        self.known_hosts = folder / "known_hosts"
        self.know(folder / f"host_{kind}.pub")
        config = folder / "config"
        config.write_text(_CONFIG.format(port=self.port, folder=folder, kind=kind, options=options))
        Path("/run/sshd").mkdir(exist_ok=True)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ("/usr/sbin/sshd", "-D", "-e", "-f", str(config)), stderr=log, start_new_session=True
            )
        self._wait()

    def know(self, public_key: Path) -> None:
        """Have known_hosts know the server by this key, and by no other."""
        kind, key, *_ = public_key.read_text().split()
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {kind} {key}\n")

    def login(self, **changes: object) -> Login:
        fields: dict[str, object] = {
            "address": "127.0.0.1",
            "port": self.port,
            "user": getpass.getuser(),
            "key_files": (str(self.folder / "id"),),
            "known_hosts": (str(self.known_hosts),),
            "options": {"identitiesonly": "yes"},
        }
        return Login(**(fields | changes))  # type: ignore[arg-type]  # the fields of Login, by name

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _wait(self) -> None:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.05)
        raise RuntimeError(f"sshd did not start: {self.log.read_text()}")


def make_key(path: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    command = ("ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", str(path))
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port: int = unused.getsockname()[1]
        return port


class Hostile:
    """A listener that treats its one client in a given way."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def behave(self, behaviour: Callable[[socket.socket], None]) -> None:
        def answer() -> None:
            client, _ = self._listener.accept()
            with client, contextlib.suppress(OSError):
                behaviour(client)

        threading.Thread(target=answer, daemon=True).start()

    def say(self, *parts: bytes, then_stay: bool = False) -> None:
        def behaviour(client: socket.socket) -> None:
            for part in parts:
                client.sendall(part)
            client.settimeout(5)
            while then_stay and client.recv(4096):
                pass

        self.behave(behaviour)

    def login(self) -> Login:
        return Login(address="127.0.0.1", port=self.port, user="nobody", known_hosts=("/dev/null",))

    def close(self) -> None:
        self._listener.close()


def failure_of(login: Login, *, accept_new_host_key: bool = False) -> LoginFailure:
    with pytest.raises(LoginError) as caught:
        open_ssh(login, timeout=5, accept_new_host_key=accept_new_host_key)
    return caught.value.failure


def says_hello(login: Login, *, accept_new_host_key: bool = False) -> bool:
    access = open_ssh(login, timeout=5, accept_new_host_key=accept_new_host_key)
    try:
        return access.run("echo hello", timeout=5).stdout == b"hello\n"
    finally:
        access.close()
