"""A message in the report, as Ansible's ansible.builtin.debug. Not here: var, verbosity."""

from __future__ import annotations

from dataclasses import dataclass

COLLECTION = "ansible.builtin"
READS_ONLY = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """Names and defaults are Ansible's."""

    msg: str = "Hello world!"
