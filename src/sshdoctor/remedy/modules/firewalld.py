"""One service, port or rich rule of one of firewalld's zones.

Source: Ansible's documentation of ansible.posix.firewalld; firewall-cmd(1), firewall-offline-cmd(1). As
there, what is not ``permanent`` is immediate. Where firewalld does not run, ``permanent`` changes its files,
with ``immediate`` only if ``offline`` allows to leave that out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

COLLECTION = "ansible.posix"


class FirewalldArguments(Struct, frozen=True, kw_only=True):
    """``port`` is PORT/PROTOCOL or PORT-PORT/PROTOCOL."""

    state: Literal["enabled", "disabled"]
    service: str | None = None
    port: str | None = None
    rich_rule: str | None = None
    zone: str | None = None
    permanent: bool | None = None
    immediate: bool = False
    offline: bool | None = None


ARGUMENTS = FirewalldArguments


def faults(arguments: FirewalldArguments) -> Iterator[str]:
    """What Ansible refuses, too."""
    given = [value for value in (arguments.service, arguments.port, arguments.rich_rule) if value is not None]
    if len(given) != 1:
        yield "exactly one of service, port and rich_rule is needed"
    if arguments.port is not None and arguments.port and "/" not in arguments.port:
        yield "port is PORT/PROTOCOL, such as 443/tcp"
