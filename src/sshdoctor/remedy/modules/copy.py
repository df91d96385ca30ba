"""A text put into a file, as Ansible's ansible.builtin.copy does it.

``src`` is a file beside the playbook, which the compiler reads into ``content``. Not here: copying folders,
remote_src, mode: preserve, and what is no text.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from sshdoctor.remedy.playbook.paths import mode_faults, path_faults, validate_faults

COLLECTION = "ansible.builtin"
PARTS = ("files", "content")
WORDS = ("validate",)


class CopyArguments(Struct, frozen=True, kw_only=True):
    """Names and defaults are Ansible's."""

    dest: str
    content: str | None = None
    src: str | None = None
    force: bool = True
    follow: bool = False
    backup: bool = False
    validate: tuple[str, ...] = ()
    owner: str | None = None
    group: str | None = None
    mode: str | None = None


ARGUMENTS = CopyArguments


def faults(arguments: CopyArguments) -> Iterator[str]:
    """By now the compiler has put the text of ``src`` into ``content``."""
    yield from path_faults(dest=arguments.dest)
    yield from mode_faults(arguments.mode)
    yield from validate_faults(arguments.validate)
    if arguments.content is None:
        yield "content or src is needed"
    if "\0" in (arguments.content or ""):
        yield "src: no text: there is a NUL in it"
