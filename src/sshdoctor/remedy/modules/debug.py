"""A message in the report, as Ansible's ansible.builtin.debug. Not here: var, verbosity."""

from __future__ import annotations

from msgspec import Struct

COLLECTION = "ansible.builtin"
READS_ONLY = True


class DebugArguments(Struct, frozen=True, kw_only=True):
    """Names and defaults are Ansible's."""

    msg: str = "Hello world!"


ARGUMENTS = DebugArguments
