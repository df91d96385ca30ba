"""The names of hosts and users that a report lets slip: in its fields, and in lines of a log."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sshdoctor.model import HostReport
from sshdoctor.reports.masking.addresses import read

_EVERYWHERE = {"", "localhost", "root", "nobody", "user", "invalid", "ssh", "sshd", "none", "from", "not"}
_HOST_IN_TEXT = (
    re.compile(r"^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (\S+) ", re.M),  # RFC 3164, and journalctl's short
    re.compile(r"^\d{4}-\d\d-\d\dT\S+ (\S+) ", re.M),
    re.compile(r"\brhost=(\S+)"),
    re.compile(r"^container (\S+)$"),
)
_USER = r"([A-Za-z_][\w.-]*\$?)"
_USER_IN_TEXT = tuple(
    re.compile(pattern)
    for pattern in (
        rf"/(?:home|Users)/{_USER}",
        rf"\buser[= ]{_USER} from\b",
        rf"\bfor (?:invalid user |user )?{_USER} from\b",
        rf"\bUser {_USER} not allowed\b",
        rf"\bInvalid user {_USER} from\b",
        rf"\buser={_USER}",
        rf"\b(?:for|by) user {_USER}\b",
    )
)
_USER_LIST = re.compile(r"\b(?:Allow|Deny)Users[ =](.+)")


def hosts_of(report: HostReport, texts: Sequence[str]) -> Iterator[str]:
    """Names by which the report's hosts go: its own, its jump hosts', what its log lines begin with."""
    login = report.login
    for name in (report.host, login.address, login.host_key_alias or "", *login.jumps):
        yield from _usable(_host(name))
    for reply in report.outside:
        yield from _usable(reply.asked_from)
    yield from _found(_HOST_IN_TEXT, texts)


def users_of(report: HostReport, texts: Sequence[str]) -> Iterator[str]:
    """Accounts of the client and the host, except those that every host has."""
    for name in (report.login.user or "", *map(_user, (report.host, *report.login.jumps))):
        yield from _usable(name)
    yield from _found(_USER_IN_TEXT, texts)
    for match in (found for text in texts for found in _USER_LIST.finditer(text)):
        for word in re.findall(_USER, match[1].replace("@", " @")):
            yield from _usable(word.rstrip("."))


def spellings(host: str) -> tuple[str, ...]:
    """A name and its first label, both in lower case.

    >>> spellings("Web1.example.com"), spellings("ssh.example.com")
    (('web1.example.com', 'web1'), ('ssh.example.com',))
    """
    name = host.lower()
    return tuple(dict.fromkeys((name, *_usable(name.partition(".")[0]))))


def domain(host: str) -> str:
    """What comes after a name's first label, if that is more than a top-level domain.

    >>> domain("web1.example.com"), domain("example.com")
    ('example.com', '')
    """
    rest = host.partition(".")[2]
    return rest if "." in rest else ""


def _host(destination: str) -> str:
    """The name in ``user@name:port``; an address is none."""
    name = destination.rpartition("@")[2]
    if name.startswith("["):
        name = name[1:].partition("]")[0]
    elif name.count(":") == 1:
        name = name.partition(":")[0]
    return name.rstrip(".")


def _user(destination: str) -> str:
    return destination.rpartition("@")[0]


def _found(patterns: Sequence[re.Pattern[str]], texts: Sequence[str]) -> Iterator[str]:
    for text in texts:
        for pattern in patterns:
            for match in pattern.finditer(text):
                yield from _usable(match[1].rstrip(".:,;'\""))


def _usable(name: str) -> Iterator[str]:
    if name.lower() not in _EVERYWHERE and read(name.split("%")[0]) is None:
        yield name
