"""Waiting for a port of this host, or for a path, as Ansible's ansible.builtin.wait_for does it.

A port is looked up in /proc/net/tcp and tcp6 (proc(5)), not dialled: a firewall plays no part, and no
connection is left in the daemon's log. With --check it is skipped, as in Ansible. Only this host's own
ports; not here: search_regex, drained.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from sshdoctor.remedy.playbook.paths import path_faults

COLLECTION = "ansible.builtin"
READS_ONLY = True


class WaitForArguments(Struct, frozen=True, kw_only=True):
    """Names and defaults are Ansible's; times in whole seconds."""

    port: int | None = None
    path: str | None = None
    host: Literal["127.0.0.1", "::1", "localhost"] = "127.0.0.1"
    state: Literal["started", "stopped", "present", "absent"] = "started"
    timeout: int = 300
    delay: int = 0
    msg: str | None = None


ARGUMENTS = WaitForArguments


def faults(arguments: WaitForArguments) -> Iterator[str]:
    """What Ansible refuses, and ports that are none."""
    yield from path_faults(path=arguments.path)
    if (arguments.port is None) == (arguments.path is None):
        yield "port or path is needed, one of them"
    if arguments.path is not None and arguments.state == "stopped":
        yield "state: stopped is for a port; a path is absent"
    if arguments.port is not None and not 0 < arguments.port < 65536:
        yield f"port: 1 to 65535, not {arguments.port}"
    if arguments.timeout < 0 or arguments.delay < 0:
        yield "timeout and delay: not below nothing"
