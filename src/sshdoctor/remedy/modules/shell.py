"""A line run by /bin/sh, as Ansible's ansible.builtin.shell runs it. Not here: executable."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from sshdoctor.remedy.playbook.paths import path_faults

COLLECTION = "ansible.builtin"
FREE_FORM = "cmd"
PARTS = ("program",)


class ShellArguments(Struct, frozen=True, kw_only=True):
    """Names and defaults are Ansible's."""

    cmd: str
    chdir: str | None = None
    creates: str | None = None
    removes: str | None = None
    stdin: str | None = None
    stdin_add_newline: bool = True


ARGUMENTS = ShellArguments


def faults(arguments: ShellArguments) -> Iterator[str]:
    """What is wrong with the arguments."""
    yield from path_faults(chdir=arguments.chdir)
    for name in ("creates", "removes"):
        if re.search(r"\$(\w|\{)|^~", getattr(arguments, name) or ""):
            yield f"{name}: a path without $ and ~"
