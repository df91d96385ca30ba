"""What the facts share that read a disk: the words of stat(1), names of users."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Unknown

if TYPE_CHECKING:
    from sshdoctor.disk import Disk

OFF = Unknown("the system on this disk is not running")


def printed(output: str) -> Section:
    """What a fact's command would have printed."""
    return Section(output, 0)


def quoted(text: str) -> str:
    """The lines of a file behind a bar, so that none is taken for a heading."""
    return "".join(f"|{line}\n" for line in text.splitlines())


def name_of(number: int, file: str, disk: Disk) -> str:
    """The name of a user (``/etc/passwd``) or a group (``/etc/group``) of the disk, as stat(1) has it."""
    for line in (disk.text_if_any(file) or "").splitlines():
        fields = line.split(":")
        if len(fields) > 2 and fields[2] == str(number):
            return fields[0]
    return "UNKNOWN"


owner = partial(name_of, file="/etc/passwd")
group = partial(name_of, file="/etc/group")


def rows(disk: Disk, paths: Iterable[str]) -> str:
    """``stat -L -c 'stat=%a %u %g %U %F|%n'`` of the paths that are there."""
    lines = []
    for path in paths:
        try:
            found = disk.stat(path)
        except PermissionError:
            lines.append(f"stat: cannot stat {path}: Permission denied")
        except OSError:
            continue
        else:
            kind = "directory" if stat.S_ISDIR(found.st_mode) else "regular file"
            mode = f"{stat.S_IMODE(found.st_mode):o}"
            who = owner(found.st_uid, disk=disk)
            lines.append(f"stat={mode} {found.st_uid} {found.st_gid} {who} {kind}|{path}")
    return "".join(f"{line}\n" for line in lines)
