"""The container engine: podman, and the images that ``sshdoctor/commands/demo/image.sh`` builds."""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryFile

IMAGES = ("debian12", "debian13", "debian11", "noinit", "firewalls", "rpm", "web", "factors")
CAPABILITIES = "NET_ADMIN,NET_RAW,AUDIT_WRITE,SYS_CHROOT"
RUN_LABEL = "sshdoctor.run"


class EngineError(Exception):
    """The container engine failed; the message has its own words."""


def podman(*arguments: str) -> str:
    """Standard output of one podman command. Raises EngineError."""
    done = subprocess.run(
        ["podman", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise EngineError(f"podman {arguments[0]}: exit {done.returncode}: {done.stderr}{done.stdout}")
    return done.stdout.strip()


def _listed(*arguments: str) -> list[str]:
    """The words of one listing. One that meets a container being removed fails, and is asked again."""
    for _ in range(9):
        with suppress(EngineError):
            return podman(*arguments).split()
        time.sleep(0.2)
    return podman(*arguments).split()


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Among the processes of all test runs of this user."""
    with (Path(tempfile.gettempdir()) / f"sshdoctor-engine-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def prepare_images(images: Sequence[str]) -> dict[str, str]:
    """The engine's name for each image, built if it is missing; sets CONTAINERS_CONF where that is needed."""
    with as_file(files("sshdoctor.commands.demo") / "image.sh") as script:
        done = subprocess.run(["sh", str(script), *images], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise EngineError("the images could not be built; `bin/setup engine` installs what that takes")
    lines = done.stdout.splitlines()
    for configuration in lines[len(images) :]:
        os.environ["CONTAINERS_CONF"] = configuration
    return dict(zip(images, lines, strict=False))


def run_label() -> str:
    """This run: its process and when that started, so that a reused pid is not taken for it."""
    return f"{os.getpid()}-{_start_time(os.getpid())}"


def remove_run(label: str) -> None:
    """Remove the containers and networks of one run."""
    mine = f"label={RUN_LABEL}={label}"
    if names := _listed("ps", "--all", "--quiet", "--filter", mine):
        podman("rm", "--force", "--time", "0", *names)
    for network in _listed("network", "ls", "--quiet", "--filter", mine):
        podman("network", "rm", "--force", network)


def remove_dead_runs() -> None:
    """Remove what runs that were killed have left."""
    template = f'{{{{index .Labels "{RUN_LABEL}"}}}}'
    labels = {*_listed("ps", "--all", "--filter", f"label={RUN_LABEL}", "--format", template)}
    networks = _listed("network", "ls", "--quiet", "--filter", f"label={RUN_LABEL}")
    if networks:
        labels |= {*_listed("network", "inspect", "--format", template, *networks)}
    for label in labels:
        pid, _, started = label.partition("-")
        if _start_time(int(pid)) != started:
            remove_run(label)


def execute(enter: Sequence[str], script: str, variables: Mapping[str, str]) -> str:
    """Run a bash script as root in a container, for 60 seconds at most. Raises EngineError.

    ``enter``: the runtime's name and the container's id. The runtime itself takes a third of the time that
    ``podman exec`` takes.
    """
    runtime, container = enter
    settings = [f"--env={name}={value}" for name, value in variables.items()]
    command = [runtime, "exec", *settings, container, "timeout", "60", "bash", "-ec", script]
    with TemporaryFile("w+") as output, TemporaryFile("w+") as errors:  # what stays behind would hold a pipe
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, check=False, timeout=90
            )
        except subprocess.TimeoutExpired:
            raise EngineError(f"{runtime} exec: a program was left behind that holds its output") from None
        output.seek(0)
        errors.seek(0)
        said, complaints = output.read(), errors.read()
    if done.returncode:
        raise EngineError(f"{runtime} exec: exit {done.returncode}: {complaints}{said}")
    return said.strip()


def _start_time(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except FileNotFoundError:
        return None
