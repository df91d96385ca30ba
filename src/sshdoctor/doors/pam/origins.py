"""The rules of access.conf(5), the first that fits decides, as pam_access reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address, ip_network

from msgspec import Struct

from sshdoctor.doors.pam.access_lists import listed, names_user, words


class Origin(Struct, frozen=True, kw_only=True):
    """Who comes, from which ``address``, or by which ``terminal`` where it is "" (he is here already).
    ``brackets``: only a name in brackets is a group's."""

    user: str
    groups: tuple[str, ...]
    address: str
    terminal: str = "pts/0"
    brackets: bool = False


def decision(rules: Iterable[str], origin: Origin) -> bool | None:
    """Whether the rules let somebody in; None where that hangs on a name that has to be looked up.

    >>> who = Origin(user="deploy", groups=("staff",), address="10.0.0.7")
    >>> decision(["+ : ALL : 10.0.0.0/8", "- : ALL : ALL"], who), decision(["- : ALL : ALL"], who)
    (True, False)
    >>> decision(["+ : ALL : LOCAL", "- : (staff) : ALL"], who)
    False
    """
    for rule in rules:
        fields = [field.strip() for field in rule.split(":", 2)]
        if len(fields) != 3 or fields[0][:1] not in ("+", "-"):
            continue
        user = listed(
            words(fields[1]), lambda word: names_user(word, origin.user, origin.groups, origin.brackets)
        )
        place = listed(words(fields[2]), lambda word: _is_place(word, origin))
        if user is False or place is False:
            continue
        return None if user is None or place is None else fields[0][0] == "+"
    return True


def _is_place(word: str, origin: Origin) -> bool | None:
    if word.upper() == "ALL":
        return True
    if word.upper() == "LOCAL":
        return not origin.address
    if not origin.address:
        return word == origin.terminal
    if word.endswith("."):
        return origin.address.startswith(word)
    try:
        return ip_address(origin.address) in ip_network(word, strict=False)
    except ValueError:
        return False if re.match(r"tty|pts|cron|console|:\d", word, re.I) else None
