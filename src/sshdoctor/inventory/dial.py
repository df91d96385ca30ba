"""What a person types to dial a host: ``user@address:port``."""

from __future__ import annotations

import re

from msgspec import Struct

_NAME = re.compile(r"[\w](?:[\w.-]*)")
_BRACKETED = re.compile(r"\[([^\[\]]+)\](?::(.*))?")


class Dial(Struct, frozen=True):
    """An address with the user and port that were given for it, if any."""

    address: str
    user: str | None = None
    port: int | None = None

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        if self.port is None:
            return user + self.address
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{user}{address}:{self.port}"


def parse_dial(text: str) -> Dial:
    """Read ``[user@]address[:port]``; an IPv6 address with a port needs brackets. Raises ValueError.

    The address is a name or an IP address, so it can never be taken for an option of a program.

    >>> parse_dial("root@[2001:db8::1]:2222")
    Dial(address='2001:db8::1', user='root', port=2222)
    >>> parse_dial("2001:db8::1").port, parse_dial("me@corp@web1").user
    (None, 'me@corp')
    """
    user, at, rest = text.rpartition("@")
    if at and not user:
        raise ValueError(f"no user stands before the @ in {text!r}")
    port: str | None = None
    if bracketed := _BRACKETED.fullmatch(rest):
        address, port = bracketed[1], bracketed[2]
    elif rest.count(":") == 1:
        address, _, port = rest.partition(":")
    else:
        address = rest
    return Dial(parse_address(address), user or None, None if port is None else parse_port(port))


def parse_address(text: str) -> str:
    """A host name or IP address that is safe to pass on. Raises ValueError.

    >>> parse_address("-oProxyCommand=reboot")
    Traceback (most recent call last):
    ...
    ValueError: '-oProxyCommand=reboot' is no host name and no address
    """
    if _NAME.fullmatch(text) or (":" in text and _is_ipv6(text)):
        return text
    raise ValueError(f"{text!r} is no host name and no address")


def parse_port(value: object) -> int:
    """A TCP port. Raises ValueError.

    >>> parse_port("2222")
    2222
    """
    digits = str(value)
    if not isinstance(value, bool) and digits.isascii() and digits.isdecimal() and 0 < int(digits) < 65536:
        return int(digits)
    raise ValueError(f"a port is a number from 1 to 65535, not {digits!r}")


def is_ip_address(text: str) -> bool:
    """Whether this is an IPv4 or IPv6 address rather than a name."""
    import ipaddress  # 5 ms, and mostly not needed

    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_ipv6(text: str) -> bool:
    return is_ip_address(text) and re.fullmatch(r"[0-9A-Fa-f:.]+(?:%[\w.-]+)?", text) is not None
