"""Patterns of names and addresses, as OpenSSH matches them (match.c, addrmatch.c)."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network


def fits(pattern: str, text: str) -> bool:
    """Whether ``text`` matches a pattern with ``*`` and ``?``.

    >>> fits("dep*", "deploy"), fits("[a]", "a")
    (True, False)
    """
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def fits_address(pattern: str, address: str) -> bool:
    """Whether an address is in a network, or matches a pattern.

    >>> fits_address("10.0.0.0/8", "10.1.2.3"), fits_address("192.0.2.*", "192.0.2.7")
    (True, True)
    """
    try:
        return ip_address(address) in ip_network(pattern, strict=False)
    except ValueError:
        return fits(pattern.lower(), address.lower())


def in_list(patterns: Iterable[str], address: str) -> bool:
    """Whether a list takes an address in: any that fits does, one with ``!`` that fits does not.

    >>> in_list(["10.0.0.0/8", "!10.0.0.1"], "10.0.0.1"), in_list(["*"], "10.0.0.1")
    (False, True)
    """
    found = False
    for pattern in patterns:
        if fits_address(pattern.removeprefix("!"), address):
            if pattern.startswith("!"):
                return False
            found = True
    return found


def fits_user(pattern: str, name: str, address: str) -> bool:
    """Whether a pattern USER or USER@HOST of AllowUsers means who comes from an address."""
    user, at, host = pattern.rpartition("@")
    if not at:
        return fits(pattern, name)
    return fits(user, name) and fits_address(host, address)
