"""A real host with two people: one in front of this tool, and an ordinary user of the host, who attacks."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hosts import engine
from hosts.testbed import Testbed, TestHost, known_hosts_lines
from preloaded import run_command

ATTACKERS = Path(__file__).parent / "attackers"
NAME = "mallory"
"""The attacker's account; his home is /home/mallory, and the programs in ATTACKERS are his, in it."""

ROOTS_RIGHT = "SYS_PTRACE"
"""Without it root of a container sees less of other users' processes than root of a host does."""
SETTLE = f"""
useradd --create-home --shell /bin/bash {NAME}
install -d -m 700 -o {NAME} -g {NAME} /home/{NAME}/.ssh
install -m 600 -o {NAME} -g {NAME} /home/deploy/.ssh/authorized_keys /home/{NAME}/.ssh/authorized_keys
"""


@dataclass(frozen=True, slots=True)
class Attacker:
    """The ordinary user."""

    host: TestHost

    def run(self, script: str) -> str:
        """What a shell script of his prints."""
        return engine.podman("exec", "--user", NAME, self.host.container, "sh", "-ec", script)

    @contextmanager
    def doing(self, script: str, ready: str = "true") -> Iterator[None]:
        """Meanwhile he runs a shell script, which is killed in the end; ``ready`` is true of it (by root)."""
        command = ["podman", "exec", "--user", NAME, "--workdir", f"/home/{NAME}", self.host.container]
        process = subprocess.Popen(
            [*command, "sh", "-c", script], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, text=True
        )
        try:
            self.host.run(f"until ( {ready} ) >/dev/null 2>&1; do sleep 0.05; done")
            yield
        finally:
            self.host.run(f"pkill -KILL -u {NAME} || true")
            process.wait(20)


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended: its exit code, what it wrote, and its JSON report where it wrote one."""

    code: int
    stdout: str
    stderr: str
    document: Mapping[str, Any] = field(default_factory=dict)

    @property
    def report(self) -> Mapping[str, Any]:
        """Of the one host."""
        hosts: list[Mapping[str, Any]] = self.document["hosts"]
        return hosts[0]

    @property
    def causes(self) -> dict[str, str]:
        """The confidence of each cause."""
        return {cause["id"]: cause["confidence"] for cause in self.report["causes"]}

    @property
    def advice(self) -> str:
        """All that a person is told to type, in one text."""
        fixes = [cause["fix"] for cause in self.report["causes"]]
        return json.dumps([*fixes, self.report.get("next", [])])


@dataclass(frozen=True, slots=True)
class Admin:
    """The person with an inventory of the host, and a way into it as root that needs no SSH."""

    host: TestHost
    testbed: Testbed
    folder: Path
    variables: dict[str, Any]

    def command(self, task: str, *flags: str) -> list[str]:
        return [sys.executable, "-m", "sshdoctor.cli", *self._words(task, *flags)]

    def _words(self, task: str, *flags: str) -> list[str]:
        inventory = self.folder / "inventory.yml"
        inventory.write_text(json.dumps({"all": {"hosts": {"web1": self.variables}}}))
        return [task, *flags, "--host", "web1", "--inventory", str(inventory)]

    def types(self, task: str, *flags: str) -> Done:
        """The command, as typed; it gives a report for people."""
        return _done(run_command(self._words(task, *flags, "--timeout", "4"), seconds=150))

    def asks(self, task: str, *flags: str) -> Done:
        """The same with the report as data."""
        done = self.types(task, *flags, "--format", "json")
        assert done.stdout, f"no report; exit {done.code}:\n{done.stderr}"
        return Done(done.code, done.stdout, done.stderr, json.loads(done.stdout))


def run(command: list[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Done:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=150, check=False, cwd=cwd, env=env, errors="replace"
    )
    return _done(done)


def _done(done: subprocess.CompletedProcess[str]) -> Done:
    assert "Traceback" not in done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True, slots=True)
class Scene:
    """A host, its administrator, and its attacker."""

    host: TestHost
    admin: Admin
    attacker: Attacker


@contextmanager
def scene(testbed: Testbed, folder: Path, image: str = "debian12") -> Iterator[Scene]:
    """A fresh scene; the admin's way in is the container engine, after SSH as ``deploy``."""
    with testbed.host(image, more=ROOTS_RIGHT) as host:
        host.run(SETTLE)
        for path in ATTACKERS.iterdir():
            engine.podman("cp", str(path), f"{host.container}:/home/{NAME}/{path.name}")
        host.run(f"chown -R {NAME}: /home/{NAME}")
        known_hosts = folder / "known_hosts"
        known_hosts.write_text(known_hosts_lines(host.host_keys, host.address4))
        variables = {
            "ansible_host": host.address4,
            "ansible_user": "deploy",
            "ansible_become": True,
            "ansible_ssh_private_key_file": str(testbed.key),
            "sshdoctor_known_hosts": str(known_hosts),
            "sshdoctor_access": [{"connection": "podman", "container": host.container}],
        }
        yield Scene(host, Admin(host, testbed, folder, variables), Attacker(host))
