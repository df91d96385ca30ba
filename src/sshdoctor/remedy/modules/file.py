"""What a path is, and its mode and owner, as Ansible's ansible.builtin.file sets them.

Not here: hard links, given times. With ``recurse`` a link inside is never followed (Ansible would change what
it leads to, wherever that is), and the mode of a link itself is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from sshdoctor.remedy.playbook.paths import mode_faults, path_faults

COLLECTION = "ansible.builtin"
PARTS = ("files",)
ALIASES = {"dest": "path", "name": "path"}


class FileArguments(Struct, frozen=True, kw_only=True):
    """Names and defaults are Ansible's; without ``state`` what is there stays what it is."""

    path: str
    state: Literal["absent", "directory", "file", "link", "touch"] | None = None
    src: str | None = None
    recurse: bool = False
    force: bool = False
    follow: bool = True
    modification_time: Literal["preserve", "now"] = "now"
    access_time: Literal["preserve", "now"] = "now"
    owner: str | None = None
    group: str | None = None
    mode: str | None = None


ARGUMENTS = FileArguments


def faults(arguments: FileArguments) -> Iterator[str]:
    """What Ansible refuses, and what has no meaning here."""
    yield from path_faults(path=arguments.path)
    yield from mode_faults(arguments.mode)
    if arguments.src is not None and arguments.state != "link":
        yield "src: only with state: link"
    if arguments.src is not None and ("$" in arguments.src or arguments.src.startswith("~")):
        yield f"src: a path without $ and ~ (Ansible would fill them in), not {arguments.src!r}"
    if arguments.recurse and arguments.state not in (None, "directory"):
        yield "recurse: only with state: directory"
    if "preserve" in (arguments.modification_time, arguments.access_time) and arguments.state != "touch":
        yield "modification_time and access_time: only with state: touch"
