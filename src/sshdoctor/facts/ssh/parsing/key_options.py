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
_EACH = re.compile(r'([^=,"\s]*)(?:="(?:[^"\\]|\\.){0,9999}")?(?:,|$)')
_KNOWN = frozenset(
    (
        *(
            "agent-forwarding",
            "cert-authority",
            "command",
            "environment",
            "expiry-time",
            "from",
            "permitlisten",
        ),
        *(
            "no-agent-forwarding",
            "no-port-forwarding",
            "no-pty",
            "no-touch-required",
            "no-user-rc",
            "permitopen",
        ),
        *("no-x11-forwarding", "port-forwarding", "principals", "pty", "restrict", "tunnel", "user-rc"),
        *("verify-required", "x11-forwarding"),
    )
)
"""Those of sshd(8), OpenSSH 9.2; any other takes the line away ("unknown key option")."""
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


def misread(options: str) -> str:
    """What makes sshd pass over the whole line: a word that it does not know, a space between; or "".

    >>> misread('no-pty,from="10.0.0.0/8, 192.0.2.7",command="a \\\\"b\\\\" c"'), misread("no-port-fowarding")
    ('', 'no-port-fowarding, which sshd does not know')
    >>> misread("no-pty, restrict")
    'no-pty, with a space behind it'
    """
    rest = options.strip()
    at = 0
    while at < len(rest):
        found = _EACH.match(rest, at)
        if found is None or found.end() == at:
            return _odd(rest[at:])
        if not found[1] and found.end() < len(rest):
            return f"{rest[at : at + 60]}, which sshd does not read"
        if found[1] and found[1].lower() not in _KNOWN:
            return f"{found[1][:60]}, which sshd does not know"
        at = found.end()
        if at < len(rest) and rest[at].isspace():
            return f"{found[1][:60]}, with a space behind it"
    return ""


def _odd(rest: str) -> str:
    word = re.split(r"[\s,]", rest, maxsplit=1)[0]
    return (
        f"{word}, with a space behind it"
        if word.lower() in _KNOWN
        else f"{rest[:60]}, which sshd does not read"
    )


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
