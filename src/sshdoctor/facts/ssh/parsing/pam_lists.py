"""Whom lines of access.conf(5) and limits.conf(5) leave out; one that cannot be decided leaves out nobody."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address, ip_network

from msgspec import Struct

from sshdoctor.doors.pam.access_lists import listed, names_user, words

_NO_HOST = re.compile(r"tty|pts|cron|console|:\d", re.I)
_INFINITE = ("-1", "unlimited", "infinity", "-")


class Who(Struct, frozen=True, kw_only=True):
    """The one who logs in; ``client`` is the address, "" where the host looks its name up."""

    user: str
    uid: int
    groups: tuple[str, ...]
    client: str
    groups_in_brackets: bool = False


def denied(lines: Iterable[str], who: Who) -> str:
    """The line of access.conf that refuses, "" for none: the first that fits decides.

    >>> who = Who(user="deploy", uid=1000, groups=("deploy", "staff"), client="192.0.2.7")
    >>> denied(["-:ALL EXCEPT root:ALL"], who), denied(["+:deploy:192.0.2.0/24", "-:ALL:ALL"], who)
    ('-:ALL EXCEPT root:ALL', '')
    >>> denied(["+:deploy:office.example", "-:ALL:ALL"], who), denied(["- : (staff) : 192.0.2."], who)
    ('', '- : (staff) : 192.0.2.')
    """
    for line in lines:
        fields = [field.strip() for field in line.split(":", 2)]
        if len(fields) != 3:
            return ""
        users = listed(
            words(fields[1]), lambda word: names_user(word, who.user, who.groups, who.groups_in_brackets)
        )
        origins = listed(words(fields[2]), lambda word: _is_origin(word, who.client))
        if users is False or origins is False:
            continue
        return line if users and origins and fields[0] == "-" else ""
    return ""


def _is_origin(word: str, client: str) -> bool | None:
    if word.upper() == "ALL":
        return True
    if _NO_HOST.match(word):
        return False
    if not client or word.upper() == "LOCAL":
        return None
    if word.endswith("."):
        return client.startswith(word)
    try:
        return ip_address(client) in ip_network(word, strict=False)
    except ValueError:
        return None


def no_logins(lines: Iterable[str], who: Who) -> str:
    """The line of limits.conf that allows no login at all, "" for none: the user's own goes before a group's.

    >>> who = Who(user="deploy", uid=1000, groups=("deploy",), client="")
    >>> no_logins(["* - maxlogins 0", "deploy hard maxlogins 4"], who), no_logins(["* - maxlogins 0"], who)
    ('', '* - maxlogins 0')
    """
    best, found = 9, ""
    for line in lines:
        words = line.split()
        rank = _rank(words[0], who)
        if rank is None:
            continue
        if len(words) == 2:
            return ""
        if words[2:3] == ["maxlogins"] and len(words) > 3 and rank <= best:
            best, found = rank, "" if words[3] in _INFINITE or words[3].strip("0") else line
    return found


def _rank(domain: str, who: Who) -> int | None:
    """How near to the user a domain is, the nearest 0; None where it is not (root's by its name alone)."""
    if domain == who.user:
        return 0
    if who.uid == 0:
        return None
    if domain.startswith("@"):
        return 1 if domain[1:] in who.groups else None
    return 3 if domain == "*" else None
