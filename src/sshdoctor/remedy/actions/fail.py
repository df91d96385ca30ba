"""A failure with a message, as Ansible's ansible.builtin.fail."""

from __future__ import annotations

from dataclasses import dataclass

COLLECTION = "ansible.builtin"
READS_ONLY = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """Names and defaults are Ansible's."""

    msg: str = "Failed as requested from task"
