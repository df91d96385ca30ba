"""A rendered template put into a file, as Ansible's ansible.builtin.template does it.

The compiler renders ``src`` on our side and gives ``content``; no playbook gives it.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from sshdoctor.remedy.playbook.paths import mode_faults, path_faults, validate_faults

COLLECTION = "ansible.builtin"
PARTS = ("files", "content")
WORDS = ("validate",)
COMPILED = ("content",)


class TemplateArguments(Struct, frozen=True, kw_only=True):
    """Names and defaults are Ansible's."""

    src: str
    dest: str
    content: str = ""
    force: bool = True
    follow: bool = False
    backup: bool = False
    validate: tuple[str, ...] = ()
    owner: str | None = None
    group: str | None = None
    mode: str | None = None


ARGUMENTS = TemplateArguments


def faults(arguments: TemplateArguments) -> Iterator[str]:
    """What is wrong with the arguments."""
    yield from path_faults(dest=arguments.dest)
    yield from mode_faults(arguments.mode)
    yield from validate_faults(arguments.validate)
