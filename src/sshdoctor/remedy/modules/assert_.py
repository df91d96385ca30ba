"""Conditions that must hold, as Ansible's ansible.builtin.assert tests them.

The compiler decides them, or makes shell of them: the body is given the words true and false.
"""

from __future__ import annotations

from msgspec import Struct

COLLECTION = "ansible.builtin"
READS_ONLY = True
ALIASES = {"msg": "fail_msg"}


class AssertArguments(Struct, frozen=True, kw_only=True):
    """Names and defaults are Ansible's."""

    that: tuple[str, ...]
    fail_msg: str = "Assertion failed"
    success_msg: str = "All assertions passed"
    quiet: bool = False


ARGUMENTS = AssertArguments
