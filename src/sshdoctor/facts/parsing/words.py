"""The words of a host that go into commands and decisions: each is of its kind, or none at all.

Sources: systemd.unit(5) (unit names), useradd(8) and passwd(5) (users), RFC 4007 (zones of addresses).
"""

from __future__ import annotations

import re
from ipaddress import ip_address

_KINDS = "service|socket|target|mount|automount|slice|scope|device|path|timer|swap"
_UNIT = re.compile(rf"[A-Za-z0-9:_.\\@-]{{1,240}}\.(?:{_KINDS})")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+\\-]{0,254}\$?")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@+-]{0,254}")
_PATH = re.compile(r"/[^\0-\x1f\x7f]{0,4095}")


class OddWordError(ValueError):
    """What a host gave is not of its kind; the message says what it is none of."""


def unit_name(text: str) -> str:
    """A systemd unit's name. Raises OddWordError.

    >>> unit_name("ssh.service")
    'ssh.service'
    """
    return _of_kind(_UNIT, text, "unit name")


def user_name(text: str) -> str:
    """An account's name. Raises OddWordError."""
    return _of_kind(_USER, text, "user name")


def plain_name(text: str) -> str:
    """The name of a package, an interface, an init script, a jail. Raises OddWordError."""
    return _of_kind(_NAME, text, "name")


def path(text: str) -> str:
    """A whole path, without control characters. Raises OddWordError."""
    return _of_kind(_PATH, text, "path")


def address(text: str) -> str:
    """An IP address, in the spelling that it has. Raises OddWordError.

    >>> address("fe80::1%eth0"), address("198.51.100.2")
    ('fe80::1%eth0', '198.51.100.2')
    """
    bare, _, zone = text.partition("%")
    try:
        ip_address(bare)
    except ValueError:
        raise OddWordError(f"{text[:40]!r} is no address") from None
    if zone:
        plain_name(zone)
    return text


def _of_kind(pattern: re.Pattern[str], text: str, kind: str) -> str:
    if pattern.fullmatch(text):
        return text
    raise OddWordError(f"{text[:40]!r} is no {kind}")
