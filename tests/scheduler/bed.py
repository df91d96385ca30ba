"""A real scheduler, its workers in network namespaces of their own, and a host in another."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from access.servers import make_key

NET = "198.18.7"
"""For tests of devices (RFC 2544): no other test has a network there."""
HERE = f"{NET}.1"
PLACES = {"net-a": f"{NET}.3", "net-b": f"{NET}.4"}
TARGET = f"{NET}.2"
_SECONDS = 60.0


def run(*command: str, **more: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, **more)  # type: ignore[call-overload]


class Program:
    """A program in its own session, perhaps in a namespace, with what it writes in a file."""

    def __init__(self, log: Path, *command: str, space: str = "", **environment: str) -> None:
        inside = ("ip", "netns", "exec", space) if space else ()
        self.log = log
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [*inside, *command],
                stdout=file,
                stderr=file,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env={**os.environ, **environment},
            )

    def says(self, text: str) -> None:
        until = time.monotonic() + _SECONDS
        while text not in self.log.read_text(errors="replace"):
            assert time.monotonic() < until and self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Bed:
    """The scheduler at ``address``, and its workers by name."""

    def __init__(self, folder: Path, host: str) -> None:
        self.folder, self.workers = folder, dict[str, Program]()
        self.port = _free_port(host)
        self.address = f"tcp://{host}:{self.port}"
        flags = ["--host", host, "--port", str(self.port), "--no-dashboard"]
        self.scheduler = Program(folder / "scheduler", *_dask("scheduler"), *flags)
        self.scheduler.says("Scheduler at:")

    def work(self, name: str, space: str = "", host: str = "127.0.0.1", **environment: str) -> Program:
        flags = ["--name", name, "--host", host, "--nthreads", "8", "--no-nanny", "--no-dashboard"]
        worker = Program(
            self.folder / name, *_dask("worker"), self.address, *flags, space=space, **environment
        )
        self.workers[name] = worker
        worker.says("Starting established connection")
        return worker

    @property
    def logs(self) -> str:
        """All that the scheduler and the workers have written."""
        every = [self.scheduler, *self.workers.values()]
        return "\n".join(one.log.read_text(errors="replace") for one in every)

    def close(self) -> None:
        for program in (*self.workers.values(), self.scheduler):
            program.kill()


@contextmanager
def bed(folder: Path, host: str = "127.0.0.1") -> Iterator[Bed]:
    made = Bed(folder, host)
    try:
        yield made
    finally:
        made.close()


class Network:
    """Namespaces on one bridge: a place each, and the host ``target`` with an sshd."""

    def __init__(self, folder: Path, label: str) -> None:
        self.folder, self.label = folder, label
        self.spaces = {name: f"{label}-{name}" for name in (*PLACES, "target")}
        self.key, self.port = make_key(folder / "id"), 22

    def space(self, name: str, command: str) -> None:
        """Have a shell do something in a namespace."""
        run("ip", "netns", "exec", self.spaces[name], "sh", "-ec", command)

    def build(self, stack: ExitStack) -> None:
        bridge = f"{self.label}br"
        run("ip", "link", "add", bridge, "type", "bridge")
        stack.callback(run, "ip", "link", "del", bridge)
        run("ip", "addr", "add", f"{HERE}/24", "dev", bridge)
        run("ip", "link", "set", bridge, "up")
        addresses = {**PLACES, "target": TARGET}
        for number, (name, space) in enumerate(self.spaces.items()):
            link = f"{self.label}v{number}"
            run("ip", "netns", "add", space)
            stack.callback(run, "ip", "netns", "del", space)
            run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", space)
            # With its space it would go, but some time later, when the next one wants its name.
            stack.callback(run, "ip", "link", "del", link)
            run("ip", "link", "set", link, "master", bridge, "up")
            self.space(
                name, f"ip addr add {addresses[name]}/24 dev eth0; ip link set eth0 up; ip link set lo up"
            )
        self._serve(stack)

    def _serve(self, stack: ExitStack) -> None:
        host_key = make_key(self.folder / "host_key")
        authorized = self.folder / "authorized_keys"
        authorized.write_bytes(self.key.with_suffix(".pub").read_bytes())
        config = self.folder / "sshd_config"
        config.write_text(
            f"HostKey {host_key}\nPidFile none\nUsePAM no\nStrictModes no\nAuthorizedKeysFile {authorized}\n"
        )
        Path("/run/sshd").mkdir(exist_ok=True)
        sshd = Program(
            self.folder / "sshd.log",
            "/usr/sbin/sshd",
            "-D",
            "-e",
            "-f",
            str(config),
            space=self.spaces["target"],
        )
        stack.callback(sshd.kill)
        sshd.says("Server listening on 0.0.0.0")
        kind, key, *_ = host_key.with_suffix(".pub").read_text().split()
        self.known_hosts.write_text(f"{TARGET} {kind} {key}\n")

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def login(self) -> Mapping[str, str]:
        return {
            "ansible_host": TARGET,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(self.key),
            "sshdoctor_known_hosts": str(self.known_hosts),
        }


@contextmanager
def network(folder: Path) -> Iterator[Network]:
    assert shutil.which("ip")
    made = Network(folder, f"sd{os.getpid() % 100000}")
    with ExitStack() as stack:
        made.build(stack)
        yield made


def _dask(what: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"distributed.cli.dask_{what}")


def _free_port(host: str) -> int:
    with socket.create_server((host, 0)) as unused:
        port: int = unused.getsockname()[1]
        return port
