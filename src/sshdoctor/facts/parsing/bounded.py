"""What a look at a busy host begins with, and how many rows of text come back as records."""

from __future__ import annotations

from collections.abc import Iterator

from sshdoctor.facts.parsing.output import number

GENTLE = """\
renice -n 19 -p $$ >/dev/null 2>&1
ionice -c 3 -p $$ >/dev/null 2>&1
"""
"""Whatever the section runs gives way to everything else on the host."""

LINED = r"""
lined() { tr '\n\000' '\001\n'; }
"""
"""Records that end in NUL become lines; a line feed within one becomes \\x01, so that no name can end one."""


def rows(text: str, fields: int) -> Iterator[list[str]]:
    """The lines of ``text`` that have so many fields between tabs; others are somebody's forgery, or cut."""
    for line in text.splitlines():
        found = line.split("\t")
        if len(found) == fields:
            yield found


def count(text: str) -> int:
    """A number, 0 for what is none; of ``1700000000.25`` the whole seconds."""
    return number(text.partition(".")[0]) or 0
