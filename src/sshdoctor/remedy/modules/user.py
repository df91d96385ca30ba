"""An account that exists, as Ansible's ansible.builtin.user changes it: shell, lock, expiry, groups.

Not here: making or removing one, and passwords but "*" (none that can be typed: a key still opens). Unlocking
an account that never had a password fails and says so; Ansible reports a change each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from sshdoctor.remedy.playbook.paths import path_faults

COLLECTION = "ansible.builtin"
PARTS = ("files",)
ALIASES = {"user": "name"}


class UserArguments(Struct, frozen=True, kw_only=True):
    """Names and defaults are Ansible's; ``expires`` in seconds since 1970, below 0 for never."""

    name: str
    state: Literal["present"] = "present"
    shell: str | None = None
    expires: float | None = None
    password: Literal["*"] | None = None
    password_lock: bool | None = None
    groups: tuple[str, ...] | None = None
    append: bool = False


ARGUMENTS = UserArguments


def faults(arguments: UserArguments) -> Iterator[str]:
    """What Ansible refuses."""
    yield from path_faults(shell=arguments.shell)
    if arguments.name.startswith("-") or ":" in arguments.name or "\n" in arguments.name:
        yield f"name: not a user's name: {arguments.name!r}"
    if arguments.password is not None and arguments.password_lock is not None:
        yield "password and password_lock exclude each other"
