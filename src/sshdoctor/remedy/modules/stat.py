"""What a path is, as Ansible's ansible.builtin.stat tells it under ``stat.``.

Times are whole seconds. Not here: the MIME type, attributes of lsattr, other checksums than SHA-1.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from sshdoctor.remedy.playbook.paths import path_faults

COLLECTION = "ansible.builtin"
READS_ONLY = True
PARTS = ("files",)
ALIASES = {"dest": "path", "name": "path"}


class StatArguments(Struct, frozen=True, kw_only=True):
    """Names and defaults are Ansible's."""

    path: str
    follow: bool = False
    get_checksum: bool = True


ARGUMENTS = StatArguments


def faults(arguments: StatArguments) -> Iterator[str]:
    """What is wrong with the arguments."""
    yield from path_faults(path=arguments.path)
