"""A service's state, now and at boot, under whatever starts services on the host.

Source: Ansible's documentation of ansible.builtin.service; systemctl(1), rc-service(8), rc-update(8),
service(8), update-rc.d(8), chkconfig(8). Where there is no service manager, as in many containers, only the
server of a known service can be started and stopped: as a daemon with a clean environment.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

COLLECTION = "ansible.builtin"
PARTS = ("systemd", "openrc", "sysvinit", "daemon")


class ServiceArguments(Struct, frozen=True, kw_only=True):
    name: str
    state: Literal["started", "stopped", "restarted", "reloaded"] | None = None
    enabled: bool | None = None


ARGUMENTS = ServiceArguments


def faults(arguments: ServiceArguments) -> Iterator[str]:
    """What Ansible refuses, too."""
    if arguments.state is None and arguments.enabled is None:
        yield "one of state and enabled is needed"
