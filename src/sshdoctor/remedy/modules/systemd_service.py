"""A unit's state, now and at boot.

Source: Ansible's documentation of ansible.builtin.systemd_service; systemctl(1). As there, ``daemon_reload``
alone is no change. A unit that failed is given ``reset-failed`` before a start.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

COLLECTION = "ansible.builtin"
ALIASES = {"unit": "name", "service": "name", "daemon-reload": "daemon_reload"}
PARTS = ("systemd",)


class SystemdServiceArguments(Struct, frozen=True, kw_only=True):
    name: str | None = None
    state: Literal["started", "stopped", "restarted", "reloaded"] | None = None
    enabled: bool | None = None
    masked: bool | None = None
    daemon_reload: bool = False


ARGUMENTS = SystemdServiceArguments


def faults(arguments: SystemdServiceArguments) -> Iterator[str]:
    """What Ansible refuses, too."""
    wanted = (arguments.state, arguments.enabled, arguments.masked)
    if all(value is None for value in wanted):
        if not arguments.daemon_reload:
            yield "one of state, enabled, masked and daemon_reload is needed"
    elif arguments.name is None:
        yield "state, enabled and masked need name"
    if arguments.name and any(letter in arguments.name for letter in "*?["):
        yield "name is one unit, not a pattern"
