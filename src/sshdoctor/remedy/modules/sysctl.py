"""One kernel parameter, in a file and in the kernel.

Source: Ansible's documentation of ansible.posix.sysctl; sysctl(8), sysctl.conf(5). ``reload`` sets this one
parameter; what else stands in the file is neither applied nor rewritten (Ansible does both).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

COLLECTION = "ansible.posix"
ALIASES = {"key": "name", "val": "value"}


class SysctlArguments(Struct, frozen=True, kw_only=True):
    name: str
    value: str | None = None
    state: Literal["present", "absent"] = "present"
    sysctl_file: str = "/etc/sysctl.conf"
    reload: bool = True
    sysctl_set: bool = False


ARGUMENTS = SysctlArguments


def faults(arguments: SysctlArguments) -> Iterator[str]:
    """What Ansible refuses, too."""
    if arguments.state == "present" and arguments.value is None:
        yield "state: present needs value"
