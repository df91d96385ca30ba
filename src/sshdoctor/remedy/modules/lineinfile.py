"""One line of a file, as Ansible's ansible.builtin.lineinfile keeps it there or away.

Not here: backrefs, and a line that holds a newline. Where insertafter finds the last line and that has no
newline, Ansible writes both into one line; here the newline is added.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from sshdoctor.remedy.playbook.paths import mode_faults, path_faults, validate_faults

COLLECTION = "ansible.builtin"
PARTS = ("files",)
ALIASES = {"dest": "path", "destfile": "path", "name": "path", "regex": "regexp", "value": "line"}
PATTERNS = ("regexp", "insertafter", "insertbefore")
WORDS = ("validate",)


class LineinfileArguments(Struct, frozen=True, kw_only=True):
    """Names and defaults are Ansible's."""

    path: str
    state: Literal["present", "absent"] = "present"
    regexp: str | None = None
    search_string: str | None = None
    line: str | None = None
    insertafter: str | None = None
    insertbefore: str | None = None
    create: bool = False
    backup: bool = False
    firstmatch: bool = False
    validate: tuple[str, ...] = ()
    owner: str | None = None
    group: str | None = None
    mode: str | None = None


ARGUMENTS = LineinfileArguments


def faults(arguments: LineinfileArguments) -> Iterator[str]:
    """What Ansible refuses, and what is not supported here."""
    yield from path_faults(path=arguments.path)
    yield from mode_faults(arguments.mode)
    yield from validate_faults(arguments.validate)
    if arguments.regexp is not None and arguments.search_string is not None:
        yield "regexp and search_string exclude each other"
    if arguments.insertafter is not None and arguments.insertbefore is not None:
        yield "insertafter and insertbefore exclude each other"
    if arguments.state == "present" and arguments.line is None:
        yield "line is needed with state: present"
    if (arguments.line, arguments.regexp, arguments.search_string) == (None, None, None):
        yield "line, regexp or search_string is needed with state: absent"
    if "" in (arguments.regexp, arguments.search_string):
        yield "an empty regexp or search_string is in every line"
    if "\n" in (arguments.line or ""):
        yield "a line holds no newline; blockinfile keeps several lines"
