"""The client's side: dials a test host as a scenario says, by OpenSSH and by the command under test."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hosts import openssh
from hosts.scenario import Dial
from hosts.testbed import Testbed, TestHost, known_hosts_lines
from preloaded import run_command


@dataclass(frozen=True, slots=True)
class Client:
    """This machine, dialling one host as one scenario says, with its files in ``folder``."""

    dial: Dial
    host: TestHost
    testbed: Testbed
    folder: Path

    @property
    def key(self) -> Path:
        return self.testbed.key if self.dial.key == "right" else self.testbed.other_key

    @property
    def prefix(self) -> tuple[str, ...]:
        """Gives the command a mount namespace in which a hosts file is the only source of names."""
        hosts = self.dial.names(self.host)
        if hosts is None:
            return ()
        (self.folder / "hosts").write_text(hosts)
        (self.folder / "nsswitch.conf").write_text("hosts: files\n")
        bind = 'for f in hosts nsswitch.conf; do mount --bind $0/$f /etc/$f; done; exec "$@"'
        return ("unshare", "--mount", "sh", "-ec", bind, str(self.folder))

    def known_hosts(self) -> Path:
        keys = self.host.host_keys
        if self.dial.known_hosts == "wrong":
            keys = self.testbed.other_key.with_suffix(".pub").read_text()
        path = self.folder / "known_hosts"
        path.write_text(known_hosts_lines(keys, self.dial.destination(self.host), self.dial.port))
        return path

    def says(self, *, family: str = "", seconds: int) -> str:
        """What OpenSSH's client says."""
        return openssh.try_login(
            self.dial.destination(self.host),
            port=self.dial.port,
            user=self.dial.user,
            key=self.key,
            known_hosts=self.known_hosts(),
            flags={"ipv4": ["-4"], "ipv6": ["-6"], "": []}[family],
            prefix=self.prefix,
            seconds=seconds,
        )

    def diagnose(self, *, seconds: int) -> tuple[int, Mapping[str, Any]]:
        """The exit code and the JSON report of the real command."""
        return self.run("diagnose", seconds=seconds)

    def run(self, task: str, *flags: str, seconds: int) -> tuple[int, Mapping[str, Any]]:
        """The exit code and the JSON report of a task about this host."""
        done = self._ran(task, *flags, seconds=seconds)
        assert done.stdout, f"no report; exit {done.returncode}:\n{done.stderr}"
        report: Mapping[str, Any] = json.loads(done.stdout)
        return done.returncode, report

    def told(self, task: str, *flags: str, seconds: int) -> str:
        """What a task says to the person beside its report."""
        return self._ran(task, *flags, seconds=seconds).stderr

    def _ran(self, task: str, *flags: str, seconds: int) -> subprocess.CompletedProcess[str]:
        variables = {
            "ansible_host": self.dial.destination(self.host),
            "ansible_port": self.dial.port,
            "ansible_user": self.dial.user,
            "ansible_become": True,  # else a host that lets this user in shows only what anyone may see
            "ansible_ssh_private_key_file": str(self.key),
            "sshdoctor_known_hosts": str(self.known_hosts()),
            "sshdoctor_access": [{"connection": "podman", "container": self.host.container}],
        }
        inventory = self.folder / "inventory.yml"
        inventory.write_text(json.dumps({"all": {"hosts": {"web1": variables}}}))
        words = [task, *flags, "--host", "web1", "--format", "json", "--timeout", str(seconds)]
        words += ["--inventory", str(inventory)]
        if not self.prefix:
            return run_command(words, seconds=120)
        command = [*self.prefix, sys.executable, "-m", "sshdoctor.cli", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
