"""The rules of access.conf(5), the first that fits decides, as pam_access reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_address, ip_network

from msgspec import Struct


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
        user = _listed(_words(fields[1]), lambda word: _is_user(word, origin))
        place = _listed(_words(fields[2]), lambda word: _is_place(word, origin))
        if user is False or place is False:
            continue
        return None if user is None or place is None else fields[0][0] == "+"
    return True


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[,\s]+", text) if word]


def _listed(words: Sequence[str], fits: Callable[[str], bool | None]) -> bool | None:
    """Whether a list such as ``ALL EXCEPT root`` means it; None where that is not known."""
    index = next((at for at, word in enumerate(words) if word.upper() == "EXCEPT"), len(words))
    said = [fits(word) for word in words[:index]]
    meant = True if True in said else None if None in said else False
    but = _listed(words[index + 1 :], fits) if index < len(words) else False
    if meant is False or but is True:
        return False
    return None if meant is None or but is None else True


def _is_user(word: str, origin: Origin) -> bool | None:
    if word.upper() == "ALL" or word == origin.user:
        return True
    if "@" in word:
        return None
    if word.startswith("("):
        return word.strip("()") in origin.groups
    return word in origin.groups and not origin.brackets


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
