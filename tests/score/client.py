"""The client's side of a case: its files, keys and agent, and the product that dials as they say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from string import Template
from typing import Any

from hosts.testbed import TestHost, known_hosts_lines
from score.case import Case, Dial, Struct
from score.network import shell

NAME = "web1.example"
LIMIT = 240
"""Seconds after which the product is ended."""

BIND = """
mount --bind "$0/dotssh" ~/.ssh
for f in hosts nsswitch.conf; do [ ! -e "$0/$f" ] || mount --bind "$0/$f" /etc/$f; done
exec "$@"
"""


class Answer(Struct, frozen=True, kw_only=True):
    """What the product printed, and how long it took."""

    exit: int
    seconds: float
    out: str
    err: str

    @property
    def host(self) -> Mapping[str, Any] | None:
        """The host's part of the JSON report; None if there is none."""
        try:
            report: Mapping[str, Any] = json.loads(self.out)["hosts"][0]
        except (ValueError, KeyError, IndexError):
            return None
        return report


class Desk(Struct, frozen=True, kw_only=True):
    """This machine, dialling one host, with its files in ``folder``."""

    case: Case
    folder: Path
    variables: dict[str, str]
    prefix: tuple[str, ...]
    """Goes before a command that is to run where the client is, with the client's files."""
    access: tuple[Mapping[str, Any], ...]
    """The ways to look into the host beside SSH."""

    @property
    def inventory(self) -> Path:
        return self.folder / "inventory.yml"

    def diagnose(self, checkout: Path, *flags: str) -> Answer:
        """What ``sshdoctor diagnose`` of a checkout says about the host."""
        return self.ask(checkout, "diagnose", *flags)

    def ask(self, checkout: Path, task: str, *flags: str) -> Answer:
        """What a task of a checkout's ``sshdoctor`` says about the host."""
        asked = [
            "-m",
            "sshdoctor.cli",
            task,
            *flags,
            "--host",
            "web1",
            "--inventory",
            str(self.inventory),
        ]
        environment = {**clean_environment(), **self.variables, "PYTHONPATH": str(checkout / "src")}
        began = time.monotonic()
        try:
            done = subprocess.run(
                [*self.prefix, sys.executable, *asked],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=LIMIT,
                env=environment,
                cwd=self.folder,
            )
        except subprocess.TimeoutExpired:
            return Answer(exit=-1, seconds=LIMIT, out="", err=f"no answer in {LIMIT} s")
        seconds = time.monotonic() - began
        return Answer(exit=done.returncode, seconds=seconds, out=done.stdout, err=done.stderr)

    def ssh(self) -> str:
        """What the person's own ``ssh`` says; the last line tells whether it got in."""
        words = inventory_variables(self)
        key = ["-i", words["ansible_ssh_private_key_file"]] if "ansible_ssh_private_key_file" in words else []
        where = [
            f"-l{words['ansible_user']}",
            f"-p{words['ansible_port']}",
            words["ansible_host"],
            "echo",
            "got in",
        ]
        options = [
            "-v",
            "-oBatchMode=yes",
            "-oConnectTimeout=10",
            f"-oUserKnownHostsFile={self.folder}/known_hosts",
        ]
        line = f'ssh {words.get("ansible_ssh_common_args", "")} "$@"'
        command = [*self.prefix, "timeout", "60", "sh", "-c", line, "ssh", *options, *key, *where]
        environment = {**clean_environment(), **self.variables}
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=environment
        )
        came = "got in" if "got in" in done.stdout.splitlines() else "did not get in"
        return f"{done.stderr}{done.stdout}exit {done.returncode}, {came}\n"


def clean_environment() -> dict[str, str]:
    """This process's, without what would say something about the client."""
    dropped = ("SSH_", "SSHDOCTOR_", "ANSIBLE_", "PYTHONPATH")
    return {name: value for name, value in os.environ.items() if not name.startswith(dropped)}


def destination(dial: Dial, host: TestHost) -> str:
    """The address or name that is dialled."""
    known = {"ipv4": host.address4, "ipv6": host.address6, "nobody": host.variables["NOBODY4"]}
    by_name = ("both", "elsewhere", "unresolved")
    return NAME if dial.address in by_name else known.get(dial.address, dial.address)


def names(dial: Dial, host: TestHost) -> str | None:
    """The hosts(5) file to dial with, or None where no name is dialled."""
    addresses = {
        "both": (host.address4, host.address6),
        "elsewhere": (host.variables["NOBODY4"],),
        "unresolved": (),
    }
    if dial.address not in addresses:
        return None
    return "".join(f"{address} {NAME}\n" for address in addresses[dial.address])


def inventory_variables(desk: Desk) -> dict[str, Any]:
    """What the inventory says of the host."""
    client, dial = desk.case.client, desk.case.dial
    keys = {"right": desk.variables["KEY"], "other": desk.variables["OTHER_KEY"], "none": None}
    key = keys.get(client.key, str(desk.folder / client.key))
    return {
        "ansible_host": desk.variables["DESTINATION"],
        "ansible_port": dial.port,
        "ansible_user": dial.user,
        "ansible_become": True,  # else a host that lets this user in shows only what anyone may see
        **({"ansible_ssh_private_key_file": key} if key else {}),
        **({"ansible_ssh_common_args": _filled(client.args, desk)} if client.args else {}),
        "sshdoctor_known_hosts": str(desk.folder / "known_hosts"),
        "sshdoctor_access": list(desk.access),
        **client.inventory,
    }


def write_files(desk: Desk, host_keys: Mapping[str, str]) -> None:
    """known_hosts, ~/.ssh, the source of names and the inventory. ``host_keys``: by address, one a line."""
    dotssh = desk.folder / "dotssh"
    dotssh.mkdir(mode=0o700)
    Path("~/.ssh").expanduser().mkdir(mode=0o700, exist_ok=True)  # to be mounted over, where the client is
    known = "".join(_known_hosts(desk.case.dial, keys, name) for name, keys in host_keys.items())
    for path in (desk.folder / "known_hosts", dotssh / "known_hosts"):
        path.write_text(known)
    if desk.case.client.config:
        (dotssh / "config").write_text(_filled(desk.case.client.config, desk))
    inventory = {"all": {"hosts": {"web1": inventory_variables(desk)}}}
    desk.inventory.write_text(json.dumps(inventory, indent=1))


@contextmanager
def agent(folder: Path) -> Iterator[dict[str, str]]:
    """An agent without keys, and the variable that names it."""
    socket = folder / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    try:
        shell('until [ -S "$S" ]; do sleep 0.05; done', {"S": str(socket)})
        yield {"SSH_AUTH_SOCK": str(socket)}
    finally:
        process.terminate()
        process.wait()


def _known_hosts(dial: Dial, keys: str, name: str) -> str:
    if dial.known_hosts == "none":
        return ""
    ports = {22, dial.port}
    return "".join(known_hosts_lines(keys, name, port) for port in sorted(ports))


def _filled(text: str, desk: Desk) -> str:
    return Template(text).safe_substitute(desk.variables, FOLDER=str(desk.folder))
