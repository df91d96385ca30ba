"""Debian's packages.

Source: Ansible's documentation of ansible.builtin.apt; apt-get(8), apt.conf(5). ``name`` may be NAME=VERSION,
with wildcards in VERSION. The lists are fetched only where something is to be installed; a source that
fails is a fault only if the others do not have the package.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

COLLECTION = "ansible.builtin"
ALIASES = {"pkg": "name", "package": "name", "update-cache": "update_cache"}
PARTS = ("locks", "apt")


class AptArguments(Struct, frozen=True, kw_only=True):
    """``cache_valid_time`` and ``lock_timeout`` in seconds; the former, if given, means ``update_cache``."""

    name: tuple[str, ...] = ()
    state: Literal["present", "absent", "latest", "fixed"] = "present"
    update_cache: bool = False
    cache_valid_time: int = 0
    install_recommends: bool | None = None
    lock_timeout: int = 60


ARGUMENTS = AptArguments


def faults(arguments: AptArguments) -> Iterator[str]:
    """What would do nothing."""
    lists = arguments.update_cache or arguments.cache_valid_time
    if not (arguments.name or lists or arguments.state == "fixed"):
        yield "one of name, update_cache and state: fixed is needed"
