"""A failure with a message, as Ansible's ansible.builtin.fail."""

from __future__ import annotations

from msgspec import Struct

COLLECTION = "ansible.builtin"
READS_ONLY = True


class FailArguments(Struct, frozen=True, kw_only=True):
    """Names and defaults are Ansible's."""

    msg: str = "Failed as requested from task"


ARGUMENTS = FailArguments
