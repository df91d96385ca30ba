"""A container with the accounts and credentials that a set-up is tried with."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema

import sshdoctor
from doors.real_logins import SECRET
from hosts.testbed import Testbed, TestHost, create_key, known_hosts_lines
from preloaded import run_command

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "doors.schema.json").read_text())
ACCOUNTS = r"""
useradd --create-home --shell /bin/bash ops
install -d -m 700 -o ops /home/ops/.ssh
install -m 600 -o ops /root/.ssh/authorized_keys /home/ops/.ssh/authorized_keys
printf '%s\n' root:door-word deploy:door-word ops:door-word | chpasswd
"""
CLOCK = r"""
printf '#!/bin/sh\nexec /bin/date -d "-%s seconds" "$@"\n' SECONDS >/usr/local/bin/date
chmod 755 /usr/local/bin/date
"""
"""What the host says of its clock; the phone's, which is right, is that of this machine."""


@dataclass(frozen=True, slots=True)
class DoorHost:
    """A host as one client sees it, whose key and certificate lie in ``folder``."""

    host: TestHost
    folder: Path

    @property
    def key(self) -> Path:
        return self.folder / "id"

    @property
    def certificate(self) -> Path:
        return self.folder / "id-cert.pub"

    def doors(self) -> Mapping[str, Any]:
        """What ``sshdoctor doors`` says of this host."""
        words = ["doors", "--host", "web1", "--format", "json", "--inventory", str(self.inventory())]
        done = run_command(words, seconds=120)
        assert done.stdout, done.stderr
        report = json.loads(done.stdout)
        jsonschema.validate(report, SCHEMA)
        found: Mapping[str, Any] = report["hosts"][0]
        return found

    def playbook(self, name: str, *extra: str, flags: Sequence[str] = ()) -> Mapping[str, Any]:
        """What the playbook of that name comes to, asked nothing."""
        said = [word for one in extra for word in ("-e", one)]
        words = ["playbook", name, "--host", "web1", "--yes", "--format", "json", *said, *flags]
        done = run_command([*words, "--inventory", str(self.inventory())], seconds=240)
        assert done.stdout, done.stderr
        found: Mapping[str, Any] = json.loads(done.stdout)["hosts"][0]
        return {**found, "exit": done.returncode, "said": done.stderr}

    def inventory(self) -> Path:
        """An inventory in which it is ``web1``."""
        known = self.folder / "known_hosts"
        known.write_text(known_hosts_lines(self.host.host_keys, self.host.address4))
        variables = {
            "ansible_host": self.host.address4,
            "ansible_user": "deploy",
            "ansible_ssh_private_key_file": str(self.key),
            "sshdoctor_known_hosts": str(known),
            "sshdoctor_access": [{"connection": "podman", "container": self.host.container}],
        }
        inventory = self.folder / "inventory.yml"
        inventory.write_text(json.dumps({"all": {"hosts": {"web1": variables}}}))
        return inventory


def says_the_code(folder: Path) -> Path:
    """A program for SSH_ASKPASS that prints the code of now, of real_logins.SECRET."""
    program, source = folder / "says-the-code", Path(sshdoctor.__file__).parents[1]
    told = "from sshdoctor.commands.shared.doors.codes import code_at; import time"
    program.write_text(
        f"#!/bin/sh\nPYTHONPATH={source} exec {sys.executable} -c '{told}; "
        f'print(code_at("{SECRET}", time.time()))\'\n'
    )
    program.chmod(0o700)
    return program


@contextmanager
def door_host(
    testbed: Testbed, folder: Path, case: Mapping[str, Any], image: str = "factors"
) -> Iterator[DoorHost]:
    """A fresh host, set up as the case says."""
    shutil.copy(testbed.key, folder / "id")
    shutil.copy(testbed.key.with_suffix(".pub"), folder / "id.pub")
    authority = create_key(folder / "ca")
    with testbed.host(image) as host:
        nobody = host.variables["NOBODY4"]
        script = case["setup"].replace("{capub}", authority.with_suffix(".pub").read_text().strip())
        script = script.replace("{nobody}", nobody)
        seconds = re.search(r"\d+", case.get("phone", ""))
        host.run(ACCOUNTS + script + (CLOCK.replace("SECONDS", seconds[0]) if seconds else ""))
        if "certificate" in case:
            sign(folder, case["certificate"].replace("{nobody}", nobody))
        yield DoorHost(host, folder)


def sign(folder: Path, told: str) -> None:
    """A certificate as a case tells of it: "principals a,b, valid +1d", or "without principals"; "with
    force-command=true", or another of its options; "serial 7"."""
    named = re.search(r"principals (\S+), valid", told)
    principals = ["-n", named[1]] if named and "without principals" not in told else []
    valid = re.search(r"valid ([-+:\w]+)", told)
    span = valid[1] if valid else "+1d"
    options = [word for one in re.findall(r"with ([a-z-]+=[^,\s]+)", told) for word in ("-O", one)]
    serial = re.search(r"serial (\d+)", told)
    command = [
        "ssh-keygen",
        "-q",
        "-s",
        folder / "ca",
        "-I",
        "somebody",
        *principals,
        "-V",
        span,
        *options,
        *(["-z", serial[1]] if serial else []),
        folder / "id.pub",
    ]
    subprocess.run(command, check=True)
