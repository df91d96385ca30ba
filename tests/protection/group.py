"""Several real hosts as one group of an inventory, for what concerns more than one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from hosts.testbed import Testbed, TestHost, known_hosts_lines
from preloaded import run_command


def inventory_of(
    hosts: Mapping[str, TestHost], testbed: Testbed, folder: Path, more: Mapping[str, Any] | None = None
) -> Path:
    """An inventory of ``hosts`` by name; ``more`` are others, with their variables."""
    known = folder / "known_hosts"
    known.write_text("".join(known_hosts_lines(host.host_keys, host.address4) for host in hosts.values()))
    told = {
        name: {
            "ansible_host": host.address4,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(testbed.key),
            "sshdoctor_known_hosts": str(known),
            "sshdoctor_access": [{"connection": "podman", "container": host.container}],
        }
        for name, host in hosts.items()
    }
    inventory = folder / "inventory.yml"
    inventory.write_text(json.dumps({"all": {"hosts": {**told, **(more or {})}}}))
    return inventory


def ran(
    inventory: Path, task: str, *flags: str, of: str = "web*", seconds: int = 400
) -> CompletedProcess[str]:
    """A task about the group."""
    words = [task, *flags, "--host", of, "--format", "json", "--timeout", "20", "--inventory", str(inventory)]
    return run_command(words, seconds=seconds)


def outcomes(done: CompletedProcess[str]) -> Sequence[str]:
    """What the report says of each host's repair."""
    assert done.stdout, done.stderr
    return [host["repair"]["outcome"] for host in json.loads(done.stdout)["hosts"]]
