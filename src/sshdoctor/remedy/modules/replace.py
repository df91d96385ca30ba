"""Every match of a pattern replaced, as Ansible's ansible.builtin.replace does it, line by line.

Not here: a match over several lines, groups in the replacement, after and before. Of several matches that
begin at the same place the longest is taken (POSIX), not the first alternative (Python).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from sshdoctor.remedy.playbook.paths import mode_faults, path_faults, validate_faults

COLLECTION = "ansible.builtin"
PARTS = ("files",)
ALIASES = {"dest": "path", "destfile": "path", "name": "path"}
PATTERNS = ("regexp",)
WORDS = ("validate",)


class ReplaceArguments(Struct, frozen=True, kw_only=True):
    """Names and defaults are Ansible's."""

    path: str
    regexp: str
    replace: str = ""
    backup: bool = False
    validate: tuple[str, ...] = ()
    owner: str | None = None
    group: str | None = None
    mode: str | None = None


ARGUMENTS = ReplaceArguments


def faults(arguments: ReplaceArguments) -> Iterator[str]:
    """``regexp`` comes as a POSIX expression, which Python reads alike."""
    yield from path_faults(path=arguments.path)
    yield from mode_faults(arguments.mode)
    yield from validate_faults(arguments.validate)
    if re.search(arguments.regexp, "") is not None:
        yield "regexp: it matches where there is nothing; name at least one character"
    if "\\" in arguments.replace:
        yield "replace: groups and escapes (\\) are not supported here"
