"""The options of a line of authorized keys, as far as they leave a client out.

Source: sshd(8), AUTHORIZED_KEYS FILE FORMAT. from= is judged as OpenSSH's match_host_and_ip(): any pattern or
network that fits lets in, one with ``!`` that fits leaves out. expiry-time= is in the host's time: what ended
more than a day ago counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network

_OPTION = re.compile(r'(?:^|,)\s*(from|expiry-time)="((?:[^"\\]|\\.){0,2000})"', re.I)
_NAME = re.compile(r"(?![0-9a-f.:*?/]*$)[^,]+", re.I)


def refusing(options: str, client: str, now: datetime, *, by_name: bool) -> str:
    """The option that leaves ``client`` (an address) out, "" for none, or where that hangs on its name.

    >>> refusing('from="10.0.0.0/8,!192.0.2.7"', "192.0.2.9", datetime(2030, 1, 1), by_name=False)
    'from="10.0.0.0/8,!192.0.2.7"'
    >>> refusing('from="192.0.2.*"', "192.0.2.9", datetime(2030, 1, 1), by_name=False)
    ''
    >>> refusing('expiry-time="20200101"', "", datetime(2030, 1, 1), by_name=False)
    'expiry-time="20200101"'
    """
    return next(_against(options, client, now, by_name=by_name), "")


def _against(options: str, client: str, now: datetime, *, by_name: bool) -> Iterator[str]:
    for name, value in _OPTION.findall(options):
        if name.lower() == "from" and client and not _lets_in(value, client, by_name=by_name):
            yield f'{name}="{value}"'
        if name.lower() == "expiry-time" and _over(value, now):
            yield f'{name}="{value}"'


def _lets_in(patterns: str, client: str, *, by_name: bool) -> bool:
    fits = False
    for pattern in patterns.lower().split(","):
        plain = pattern.removeprefix("!")
        if by_name and _NAME.fullmatch(plain):
            return True  # perhaps: the host looks the client's name up
        if _fits(plain, client):
            if pattern.startswith("!"):
                return False
            fits = True
    return fits


def _fits(pattern: str, client: str) -> bool:
    try:
        return ip_address(client) in ip_network(pattern, strict=False)
    except ValueError:
        return fnmatchcase(client, pattern.replace("[", "[[]"))


def _over(value: str, now: datetime) -> bool:
    """A time of the past, as YYYYMMDD[HHMM[SS]] with or without a Z."""
    try:
        return datetime.strptime(value[:8], "%Y%m%d") < now - timedelta(days=2)
    except ValueError:
        return False
