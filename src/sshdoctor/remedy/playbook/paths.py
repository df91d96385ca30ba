"""What the actions about files ask of a path, a mode and a command that validates."""

from __future__ import annotations

import re
from collections.abc import Iterator

_MODE = re.compile(r"0*[0-7]{1,4}|[ugoa]*([-+=][rwxXst]*|[-+=][ugo])+(,[ugoa]*([-+=][rwxXst]*|[-+=][ugo])+)*")


def path_faults(**paths: str | None) -> Iterator[str]:
    """Why a path is not taken: Ansible would put a home or a variable into it, or start from its own folder.

    An empty path is one that a registered result gives: the host looks at it.
    """
    for name, path in paths.items():
        if path and not path.startswith("/"):
            yield f"{name}: a whole path, from / on, not {path!r}"
        elif path and "$" in path:
            yield f"{name}: a path without $ (Ansible reads a variable there), not {path!r}"


def mode_faults(mode: str | None) -> Iterator[str]:
    """Octal digits ("0644") or what chmod takes ("u=rw,go=r"), without set-user-id and set-group-id."""
    if mode and not _MODE.fullmatch(mode):
        yield f'mode: octal digits such as "0644", or words such as "u=rw,go=r", not {mode!r}'
    elif mode and (int(mode[-4:], 8) & 0o6000 if mode.isdecimal() else re.search(r"[+=][rwxXt]*s", mode)):
        yield f"mode: nothing is made to run as its owner or group here, and that is what {mode!r} means"


def validate_faults(validate: tuple[str, ...]) -> Iterator[str]:
    """The command must say where the name of the new text goes."""
    if validate and not any("%s" in word for word in validate):
        yield 'validate: "%s" must stand in it, for the new text: "/usr/sbin/visudo -cf %s"'
    if any("%" in word.replace("%s", "") for word in validate):
        yield "validate: no % but that of %s"
