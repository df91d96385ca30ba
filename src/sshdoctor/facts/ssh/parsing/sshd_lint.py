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


_SHORT = frozenset(
    ("port", "match", "banner", "ciphers", "macs", "usepam", "usedns", "include", "ipqos", "setenv",
     "rdomain", "hostkey", "pidfile", "checkmail", "keytab")
)  # fmt: skip
"""The keywords with fewer than eight letters. Any other short word stands in the program for another reason:
``ignore`` does."""
_GLOBAL_ONLY = frozenset(
    ("port", "listenaddress", "addressfamily", "hostkey", "hostkeyagent", "hostkeyalgorithms",
     "hostcertificate", "usepam", "usedns", "ciphers", "macs", "kexalgorithms", "pidfile", "maxstartups",
     "logingracetime", "strictmodes", "printmotd", "printlastlog", "compression", "tcpkeepalive",
     "syslogfacility", "permituserenvironment", "versionaddendum", "xauthlocation")
)  # fmt: skip
"""What sshd takes outside of Match alone (servconf.c, SSHCFG_GLOBAL), in every version since 7.4."""
_NONE_IS_NONE = b"no argument after keyword"
"""sshd from 8.7 on refuses every keyword without a value; it then has these words."""


def faults(files: Files, program: bytes) -> tuple[Fault, ...]:
    """What ``sshd -t`` would refuse, of what can be told; ``program`` is sshd itself."""
    return tuple(fault for path, text in files.texts.items() for fault in _of_file(path, text or "", program))


def _of_file(path: str, text: str, program: bytes) -> Iterator[Fault]:
    """A Match block goes on to the next Match, or to the end of the file."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r"\s*(\w+)", line)
        keyword = found[1].lower() if found else ""
        if keyword == "match":
            inside = not re.match(r"\s*match\s+all\s*(#|$)", line, re.I)
        if message := _refused(line, program):
            yield Fault(path, number, message)
        elif inside and found and keyword in _GLOBAL_ONLY:
            yield Fault(path, number, f"Directive '{found[1]}' is not allowed within a Match block")


def _refused(line: str, program: bytes) -> str:
    """sshd's complaint about a line, "" if it has none that we know of."""
    found = re.match(r"\s*(\w+)(?:\s*=\s*|\s+|$)(.*)", line)
    if not found:
        return ""
    word, keyword = found[1], found[1].lower()
    if f"{keyword}\0".encode() not in program or (len(keyword) < 8 and keyword not in _SHORT):
        return f"Bad configuration option: {word}"
    values = list(_words(found[2]))
    if not values and _NONE_IS_NONE in program:
        return f'no argument after keyword "{word}"'
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
