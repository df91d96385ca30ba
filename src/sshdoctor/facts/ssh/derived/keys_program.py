"""The fact ``keys_program``: what to mend where the command that sshd asks for keys fails."""

from __future__ import annotations

import re
from collections.abc import Mapping
from shlex import quote
from typing import Any

from msgspec import Struct

from sshdoctor.model import Command, Evidence, Unknown

_MODES = re.compile(r'"\S{1,1024}": bad ownership or modes for (?:file|directory) (/\S{0,1024})\Z')
_ABSENT = re.compile(r'Could not stat Authorized\w{4,10}Command "(/\S{0,1024})": No such file')
_USER = re.compile(r'Authorized(?:Keys|Principals)CommandUser "([\w.@-]{1,64})" not found')
_FAILED = re.compile(r"Authorized(?:Keys|Principals)Command (/\S{1,1024})[^\n]{0,1024} (?:failed|exited)")


class KeysProgram(Struct, frozen=True, kw_only=True):
    """``mend``: the commands that mend it, as far as sshd says what is wrong."""

    mend: Command
    evidence: tuple[Evidence, ...] = ()


VALUE = KeysProgram
WRITERS = {"": "root"}
NEEDS = ()


def derive(known: Mapping[str, Any]) -> KeysProgram:
    """The fact, from the words that nobody but sshd could have written."""
    words = known["words"]
    said = () if isinstance(words, Unknown) else words.said
    text = next((one.text for one in said if one.trusted and one.cause == "keys-command-fails"), "")
    return KeysProgram(mend=_mend(text))


def _mend(text: str) -> Command:
    """
    >>> _mend('error: Unsafe AuthorizedKeysCommand "/opt/keys": bad ownership or modes for directory /opt')
    'chown root:root /opt; chmod go-w /opt'
    >>> _mend('error: AuthorizedKeysCommandUser "keys" not found: No such file or directory')[:15]
    'useradd --syste'
    >>> _mend('error: AuthorizedKeysCommand /opt/keys deploy failed, status 1')[:17]
    'Run /opt/keys as '
    """
    if modes := _MODES.search(text):
        path = quote(modes[1])
        return Command(f"chown root:root {path}; chmod go-w {path}")
    if absent := _ABSENT.search(text):
        path = quote(absent[1])
        return Command(
            f"Put {path} back, or take AuthorizedKeysCommand out of sshd_config (sshd -t, reload)."
        )
    if user := _USER.search(text):
        name = quote(user[1])
        return Command(
            f"useradd --system --shell /usr/sbin/nologin {name}; or name another in "
            "AuthorizedKeysCommandUser of sshd_config (sshd -t, reload)."
        )
    failed = _FAILED.search(text)
    program = quote(failed[1]) if failed else "the program"
    return Command(
        f"Run {program} as AuthorizedKeysCommandUser would (sshd -T names both), and mend what it says; "
        "program and folders must belong to root and be writable by nobody else."
    )
