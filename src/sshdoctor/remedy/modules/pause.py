"""Some time passes, as with Ansible's ansible.builtin.pause; none where --check is asked for.

Not here: prompt, since nobody can answer a script that runs by itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

COLLECTION = "ansible.builtin"
READS_ONLY = True


class PauseArguments(Struct, frozen=True, kw_only=True):
    """Names are Ansible's; at least one second passes."""

    seconds: int | None = None
    minutes: int | None = None


ARGUMENTS = PauseArguments


def faults(arguments: PauseArguments) -> Iterator[str]:
    """Ansible would ask for a key to be pressed if neither is given."""
    if (arguments.seconds is None) == (arguments.minutes is None):
        yield "seconds or minutes is needed, one of them"
