"""A person in front of a host that is firmly closed: with an inventory of it, and at its console."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any

import jsonschema

from hosts import engine
from hosts.testbed import TestHost

SCHEMA = Path(__file__).parents[2] / "docs" / "report.schema.json"
CLOSED = """
systemctl stop ssh
for tool in iptables ip6tables; do $tool -I INPUT -p tcp --dport 22 -j DROP; done
"""
OWN = """
title: It knows its name
run: hostname
causes: [{id: nameless, when: run.status != 0, say: It has none., latent: true}]
otherwise: "{{ run.output }}"
"""


class Person:
    """Someone with an inventory that names one host, which has no way in but a container engine."""

    def __init__(self, host: TestHost, folder: Path) -> None:
        self.host, self.folder = host, folder
        self.address = host.address4
        self.prefix: tuple[str, ...] = ()
        own = folder / "sshdoctor_checks" / "system" / "mine.yml"
        own.parent.mkdir(parents=True)
        own.write_text(OWN)

    def dials_a_name_with_both_addresses(self) -> None:
        """A hosts file is the only source of names, in a mount namespace of the command's own."""
        self.address = "web1.test"
        lines = f"{self.host.address4} web1.test\n{self.host.address6} web1.test\n"
        (self.folder / "hosts").write_text(lines)
        (self.folder / "nsswitch.conf").write_text("hosts: files\n")
        bind = 'for f in hosts nsswitch.conf; do mount --bind $0/$f /etc/$f; done; exec "$@"'
        self.prefix = ("unshare", "--mount", "sh", "-ec", bind, str(self.folder))

    def command(self, task: str, *flags: str, live: bool = False) -> list[str]:
        podman = {"connection": "podman", "container": self.host.container}
        variables = {
            "ansible_host": self.address,
            "ansible_user": "deploy",
            "sshdoctor_access": [podman] if live else [],
        }
        inventory = self.folder / "inventory.yml"
        inventory.write_text(json.dumps({"all": {"hosts": {"web1": variables}}}))
        base = [sys.executable, "-m", "sshdoctor.cli", task, "--host", "web1", "--inventory", str(inventory)]
        return [*self.prefix, *base, "--timeout", "2", *flags]

    def run(
        self, task: str, *flags: str, text: str = "", live: bool = False
    ) -> subprocess.CompletedProcess[str]:
        command = self.command(task, *flags, live=live)
        return subprocess.run(command, input=text, capture_output=True, text=True, timeout=90, check=False)

    def report(self, *flags: str, text: str = "", live: bool = False) -> dict[str, Any]:
        done = self.run("diagnose", "--format", "json", *flags, text=text, live=live)
        assert done.stdout, done.stderr
        document = json.loads(done.stdout)
        jsonschema.validate(document, json.loads(SCHEMA.read_text()))
        report: dict[str, Any] = document["hosts"][0]
        return report

    def carry(self, file: Path, to: str) -> None:
        engine.podman("cp", str(file), f"{self.host.container}:{to}")

    def fetch(self, file: str, to: Path) -> None:
        engine.podman("cp", f"{self.host.container}:{file}", str(to))

    def script(self) -> str:
        done = self.run("rescue")
        assert done.returncode == 0, done.stderr
        return done.stdout


class Console:
    """A shell on the host, in a terminal of 80 columns, which is typed into by and by.

    The terminal is its controlling one only after ``setsid --ctty``, as after a login.
    """

    def __init__(self, host: TestHost, *shell: str) -> None:
        pid = engine.podman("inspect", "--format", "{{.State.Pid}}", host.container)
        inside = ["nsenter", "--target", pid, "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd"]
        self._ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (24, 80))
        self._process = subprocess.Popen(
            [*inside, *shell],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "TERM": "xterm", "HISTFILE": ""},
        )
        os.close(theirs)
        self.shown = ""
        self._listen(1.0)

    def type(self, text: str, chunk: int = 100, pause: float = 0.01) -> None:
        data = text.encode()
        while data:
            _, writable, _ = select.select([], [self._ours], [], 30)
            assert writable, self.shown[-500:]
            sent = os.write(self._ours, data[:chunk])
            data = data[sent:]
            self._listen(pause)

    def wait_for(self, pattern: str, seconds: float = 40) -> str:
        """What was shown since the last time, up to a match of ``pattern``."""
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, self.shown)):
            assert time.monotonic() < deadline, self.shown[-3000:]
            self._listen(0.2)
        before, self.shown = self.shown[: found.end()], self.shown[found.end() :]
        return before

    def _listen(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if select.select([self._ours], [], [], left)[0]:
                self.shown += os.read(self._ours, 65536).decode("utf-8", "replace")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)
