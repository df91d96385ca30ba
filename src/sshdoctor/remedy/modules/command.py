"""A program run without a shell, as Ansible's ansible.builtin.command runs it.

``cmd`` is split into words as a shell would (shlex), on our side. Not here: expand_argument_vars, so a word
that Ansible would fill in ($NAME, ~) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from sshdoctor.remedy.playbook.paths import path_faults

COLLECTION = "ansible.builtin"
FREE_FORM = "cmd"
PARTS = ("program",)
WORDS = ("cmd",)


class CommandArguments(Struct, frozen=True, kw_only=True):
    """Names and defaults are Ansible's."""

    cmd: tuple[str, ...] = ()
    argv: tuple[str, ...] = ()
    chdir: str | None = None
    creates: str | None = None
    removes: str | None = None
    stdin: str | None = None
    stdin_add_newline: bool = True


ARGUMENTS = CommandArguments


def faults(arguments: CommandArguments) -> Iterator[str]:
    """What Ansible refuses, and what it would fill in."""
    yield from path_faults(chdir=arguments.chdir)
    if bool(arguments.cmd) == bool(arguments.argv):
        yield "cmd or argv is needed, one of them"
    for word in (*arguments.cmd, *arguments.argv):
        if re.search(r"\$(\w|\{)", word) or word.startswith("~"):
            yield f"{word!r}: no shell fills that in (Ansible would); use shell, or write out what is meant"
    for name in ("creates", "removes"):
        if re.search(r"\$(\w|\{)|^~", getattr(arguments, name) or ""):
            yield f"{name}: a path without $ and ~"
