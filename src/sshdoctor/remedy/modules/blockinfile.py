"""A marked block of lines in a file, as Ansible's ansible.builtin.blockinfile keeps it there or away.

Where there is no such block, state: absent changes nothing (Ansible would still end the last line).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from sshdoctor.remedy.playbook.paths import mode_faults, path_faults, validate_faults

COLLECTION = "ansible.builtin"
PARTS = ("files",)
ALIASES = {"dest": "path", "destfile": "path", "name": "path", "content": "block"}
PATTERNS = ("insertafter", "insertbefore")
WORDS = ("validate",)


class BlockinfileArguments(Struct, frozen=True, kw_only=True):
    """Names and defaults are Ansible's."""

    path: str
    state: Literal["present", "absent"] = "present"
    block: str = ""
    marker: str = "# {mark} ANSIBLE MANAGED BLOCK"
    marker_begin: str = "BEGIN"
    marker_end: str = "END"
    insertafter: str | None = None
    insertbefore: str | None = None
    create: bool = False
    backup: bool = False
    append_newline: bool = False
    prepend_newline: bool = False
    validate: tuple[str, ...] = ()
    owner: str | None = None
    group: str | None = None
    mode: str | None = None


ARGUMENTS = BlockinfileArguments


def faults(arguments: BlockinfileArguments) -> Iterator[str]:
    """What Ansible refuses, and markers by which the block would not be found again."""
    yield from path_faults(path=arguments.path)
    yield from mode_faults(arguments.mode)
    yield from validate_faults(arguments.validate)
    if arguments.insertafter is not None and arguments.insertbefore is not None:
        yield "insertafter and insertbefore exclude each other"
    if arguments.marker and "{mark}" not in arguments.marker:
        yield "marker: {mark} must stand in it"
    if arguments.marker_begin == arguments.marker_end:
        yield "marker_begin and marker_end are the same"
    if "\n" in arguments.marker + arguments.marker_begin + arguments.marker_end:
        yield "a marker is one line"
