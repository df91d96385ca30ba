"""A host of cases.yml: a container without a way out, set up and broken by the case's own lines."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from hosts import engine
from sshdoctor.documents.reader import read_yaml

HERE = Path(__file__).parent
ADDRESS = "198.51.100.200"
LIMIT = 300
"""Seconds for a case to be set up: cron is waited for."""
_CAPABILITIES = ("NET_ADMIN", "NET_RAW", "AUDIT_WRITE", "SYS_CHROOT")
"""Without SYS_PTRACE root sees less of others' processes than on a machine of its own: the harder case."""


@cache
def cases_file() -> Any:
    """cases.yml as it stands."""
    return read_yaml(HERE / "cases.yml")


def cases() -> dict[str, Any]:
    """The cases of all files, by name."""
    more = [
        case for name in ("more", "further", "rarer") for case in read_yaml(HERE / f"{name}.yml")["cases"]
    ]
    return {case["name"]: case for case in (*cases_file()["cases"], *more)}


def script_of(case: Mapping[str, Any]) -> str:
    """All of a case in one shell, in the order that the file's head gives."""
    setups = cases_file()["setups"]
    named = [setups.get(name, name) for name in case.get("setup", [])]
    parts = [setups["always"], *named, case["break"], setups["at-the-end"]]
    return "\n".join(parts).replace("{ip}", ADDRESS)


@contextmanager
def ill_host(case: Mapping[str, Any]) -> Iterator[str]:
    """The name of a running container in the state of ``case``, removed afterwards. Raises EngineError."""
    name = f"sshdoctor-{engine.run_label()}-{case['name']}"
    image = "frozen-exim" if "Exim" in case.get("image", "") else "frozen"
    with engine.one_at_a_time():
        built = engine.prepare_images([image])
    added = [f"--cap-add={each}" for each in (*_CAPABILITIES, *case.get("capabilities", ()))]
    engine.podman(
        *("run", "--detach", "--systemd=always", "--network=none", "--hostname=web", f"--name={name}"),
        *(f"--label={engine.RUN_LABEL}={engine.run_label()}", *added, built[image]),
    )
    try:
        run(
            name,
            "until systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'; do sleep 0.2; done",
        )
        run(name, f"ip addr add {ADDRESS}/32 dev lo")
        run(name, script_of(case))
        _await(name, case["truth"].get("processes", ()))
        yield name
    finally:
        engine.podman("rm", "--force", "--time", "0", name)


def _await(container: str, processes: Sequence[Mapping[str, Any]]) -> None:
    """Until all of them run: cron takes up to a minute."""
    for each in processes:
        run(
            container,
            f"for i in $(seq 150); do pgrep -f -- {shlex.quote(each['argv'])} && break; sleep 0.5; done",
        )


def run(container: str, script: str) -> str:
    """What a shell script prints that root runs in the container; how it ends is its own affair."""
    command = ["podman", "exec", container, "timeout", str(LIMIT), "bash", "-c", script]
    with TemporaryFile("w+", errors="replace") as output:  # what stays behind would hold a pipe
        subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False, timeout=LIMIT + 30
        )
        output.seek(0)
        return output.read()
