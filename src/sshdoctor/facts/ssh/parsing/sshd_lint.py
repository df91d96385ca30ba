"""Lines of sshd_config that sshd refuses, found without running it.

A keyword that sshd knows stands in its program, in lower case, with a NUL behind it (servconf.c; a linker may
fold it into the end of a longer word, which only makes us miss a fault). So the disk's own program says which
keywords are none, whatever its version. Of the values only ports, numbers and plain choices are judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sshdoctor.facts.ssh.parsing.sshd_config import Files

_CHOICES = {
    **dict.fromkeys(
        (
            "passwordauthentication",
            "pubkeyauthentication",
            "permitemptypasswords",
            "strictmodes",
            "usepam",
            "printmotd",
            "printlastlog",
            "x11forwarding",
            "usedns",
        ),
        ("yes", "no", "true", "false"),
    ),
    "permitrootlogin": (
        "yes",
        "no",
        "true",
        "false",
        "prohibit-password",
        "without-password",
        "forced-commands-only",
    ),
    "addressfamily": ("any", "inet", "inet6"),
}
_NUMBERS = ("requiredrsasize", "maxauthtries", "maxsessions", "clientalivecountmax", "x11displayoffset")


class Fault(NamedTuple):
    """One complaint, in sshd's words; ``line`` counts from 1."""

    file: str
    line: int
    message: str


def faults(files: Files, program: bytes) -> tuple[Fault, ...]:
    """What ``sshd -t`` would refuse, of what can be told; ``program`` is sshd itself."""
    return tuple(
        Fault(path, number, message)
        for path, text in files.texts.items()
        for number, line in enumerate((text or "").splitlines(), 1)
        if (message := _refused(line, program))
    )


def _refused(line: str, program: bytes) -> str:
    """sshd's complaint about a line, "" if it has none that we know of."""
    found = re.match(r"\s*(\w+)(?:\s*=\s*|\s+|$)(.*)", line)
    if not found:
        return ""
    word, keyword = found[1], found[1].lower()
    if f"{keyword}\0".encode() not in program:
        return f"Bad configuration option: {word}"
    values = list(_words(found[2]))
    if not values:
        return "missing argument." if keyword in ("port", *_CHOICES, *_NUMBERS) else ""
    if keyword == "port":
        good = values[0].isdecimal() and 0 < int(values[0]) < 65536
        return "" if good else "Badly formatted port number."
    if keyword in _NUMBERS:
        return "" if values[0].isdecimal() else "integer value invalid."
    choices = _CHOICES.get(keyword)
    return f'unsupported option "{values[0]}".' if choices and values[0].lower() not in choices else ""


def _words(text: str) -> Iterator[str]:
    for word in text.split():
        if word.startswith("#"):
            return
        yield word.strip('"')
