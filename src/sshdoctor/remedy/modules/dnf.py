"""Red Hat's packages, by dnf or, where that is all there is, yum.

Source: Ansible's documentation of ansible.builtin.dnf; dnf(8), dnf.conf(5).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

COLLECTION = "ansible.builtin"
ALIASES = {"pkg": "name", "expire-cache": "update_cache"}
PARTS = ("locks", "dnf")


class DnfArguments(Struct, frozen=True, kw_only=True):
    """``lock_timeout`` in seconds."""

    name: tuple[str, ...] = ()
    state: Literal["present", "absent", "latest", "installed", "removed"] = "present"
    update_cache: bool = False
    lock_timeout: int = 30


ARGUMENTS = DnfArguments


def faults(arguments: DnfArguments) -> Iterator[str]:
    """What would do nothing."""
    if not (arguments.name or arguments.update_cache):
        yield "one of name and update_cache is needed"
