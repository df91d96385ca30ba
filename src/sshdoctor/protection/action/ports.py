"""Ports by number and by name."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping


class PortError(ValueError):
    """No port, and no name of one: the tools of a firewall refuse it."""


def numbered(text: str, names: Mapping[str, int]) -> str:
    """A list of ports with the names in it as numbers, ranges as they are; ``names`` are the host's own, 0
    for one that it does not know. Raises PortError.

    >>> numbered("ssh,80,8000:8010", {"ssh": 22})
    '22,80,8000:8010'
    """
    return ",".join(_port(word, names) for word in text.replace(" ", "").split(","))


def _port(word: str, names: Mapping[str, int]) -> str:
    if re.fullmatch(r"\d+(?:[:-]\d+)?", word):
        return word
    if word in names:
        if names[word]:
            return str(names[word])
        raise PortError(f"{word} is no port, and no service that the host knows (/etc/services)")
    try:
        return str(socket.getservbyname(word, "tcp"))
    except OSError:
        raise PortError(f"{word} is no port, and no service's name") from None
