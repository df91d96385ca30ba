"""The flags in ``ansible_ssh_common_args`` and its like."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from msgspec import Struct

from sshdoctor.inventory.dial import parse_dial, parse_port

# ssh(1): flags that take a value, and those without one that change nothing about who is dialled.
_WITH_VALUE = frozenset("BbcDEeFIiJLlmOoPpQRSWw")
_HARMLESS = frozenset("AaCKkqTtvXxYyn46")
_AS_OPTION = {
    "i": "identityfile",
    "l": "user",
    "p": "port",
    "J": "proxyjump",
    "b": "bindaddress",
    "B": "bindinterface",
    "c": "ciphers",
    "m": "macs",
    "S": "controlpath",
}
_OPTION = re.compile(r"(\w+)(?:\s*=\s*|\s+)(.+)")
_FAMILY = {"4": "inet", "6": "inet6"}


class SshArgs(Struct, frozen=True):
    """ssh_config options (names in lower case; the first of a name holds), key files and jumps."""

    options: dict[str, str]
    key_files: tuple[str, ...]
    jumps: tuple[str, ...]


def parse_ssh_args(text: str) -> SshArgs:
    """Read ``-o`` options, ``-J`` and the flags that say the same in one letter. Raises ValueError.

    Flags that only change the terminal, the agent or verbosity are dropped; any other flag is refused,
    for to leave it out would be to dial something else.

    >>> parse_ssh_args("-C -o Port=2222 -o 'ServerAliveInterval 5' -J root@jump:22,b").jumps
    ('root@jump:22', 'b')
    >>> parse_ssh_args("-F other_config")
    Traceback (most recent call last):
    ...
    ValueError: the flag -F is not supported; -o options and -J are
    """
    options: dict[str, str] = {}
    keys: list[str] = []
    for name, value in _options(_words(text)):
        if name == "identityfile":
            keys.append(value.strip('"'))
        elif name == "port":
            options.setdefault(name, str(parse_port(value)))
        else:
            options.setdefault(name, value)
    jumps: tuple[str, ...] = ()
    if options.get("proxyjump", "none").lower() != "none":
        jumps = parse_jumps(options.pop("proxyjump"))
    return SshArgs(options, tuple(keys), jumps)


def parse_jumps(text: str) -> tuple[str, ...]:
    """The hosts of a ProxyJump, each ``[user@]host[:port]``. Raises ValueError.

    >>> parse_jumps("a,ssh://root@[2001:db8::1]:22")
    ('a', 'root@[2001:db8::1]:22')
    """
    return tuple(str(parse_dial(jump.strip().removeprefix("ssh://"))) for jump in text.split(","))


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        raise ValueError("a quotation mark is not closed") from None


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    rest = iter(words)
    for word in rest:
        if len(word) < 2 or word[0] != "-":
            raise ValueError("only flags may stand here; a value with spaces needs quotes")
        letters = word[1:]
        while letters:
            flag, letters = letters[0], letters[1:]
            value = ""
            if flag in _WITH_VALUE:
                value, letters = letters or next(rest, ""), ""
                if not value:
                    raise ValueError(f"the flag -{flag} needs a value")
            yield from _option(flag, value)


def _option(flag: str, value: str) -> Iterator[tuple[str, str]]:
    if flag == "o":
        option = _OPTION.fullmatch(value.strip())
        if not option:
            raise ValueError("an -o option is Name=value")
        yield option[1].lower(), option[2]
    elif flag in _AS_OPTION:
        yield _AS_OPTION[flag], value
    elif flag in _FAMILY:
        yield "addressfamily", _FAMILY[flag]
    elif flag not in _HARMLESS:
        raise ValueError(f"the flag -{flag} is not supported; -o options and -J are")
