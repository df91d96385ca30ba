"""Host patterns as Ansible has them: ``web:&prod:!web3``, ``web*``, ``~web\\d+``, ``group[0:2]``."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable

from sshdoctor.errors import UsageError
from sshdoctor.inventory.groups import Inventory
from sshdoctor.inventory.names import split_port

_SUBSCRIPT = re.compile(r"(.+)\[(?:(-?[0-9]+)|([0-9]+):([0-9]*))\]")
_PART = re.compile(r"(?:[^\s:\[\]]|\[[^\[\]]*\])+")
_LONE = re.compile(
    r"(?:[\w.-]|\[[^\[\]]*\])+|(?=[0-9A-Fa-f:.]*::)[0-9A-Fa-f:.]+(?:%\w+)?"
    r"|(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}"
)


def split_pattern(pattern: str) -> list[str]:
    """The single patterns in a list of them; colons part them only where there is no comma.

    Something with an @ in it is dialled, not matched, and keeps its colons.

    >>> split_pattern("web:&prod:!web3"), split_pattern("a, b[0:2]"), split_pattern("root@[::1]:22")
    (['web', '&prod', '!web3'], ['a', 'b[0:2]'], ['root@[::1]:22'])
    """
    if "," in pattern:
        parts = pattern.split(",")
    elif "@" in pattern or _LONE.fullmatch(split_port(pattern)[0]):
        parts = [pattern]
    else:
        parts = _PART.findall(pattern)
    return [part.strip() for part in parts if part.strip()]


def ordered(patterns: Iterable[str]) -> list[str]:
    """Plain patterns first, then ``&``, then ``!``; ``all`` where no plain one is given."""
    parts = list(patterns)
    plain = [part for part in parts if part[0] not in "&!"]
    common = [part for part in parts if part[0] == "&"]
    return [*(plain or ["all"]), *common, *(part for part in parts if part[0] == "!")]


def is_plain(pattern: str) -> bool:
    """Whether this can only be a name: no glob, regular expression or subscript."""
    return not pattern.startswith("~") and not any(special in pattern for special in "*?[")


def match(inventory: Inventory, pattern: str) -> list[str] | None:
    """The names of the hosts that one pattern matches, in the inventory's order; None if it names nothing.

    The pattern has no ``&`` or ``!`` before it. A group without hosts gives the empty list.
    Raises UsageError for a regular expression or a subscript that makes no sense.
    """
    expression, subscript = _subscript(pattern)
    groups = _matching(inventory.groups, expression)
    names = dict.fromkeys(host for group in groups for host in inventory.hosts_in(group))
    if not groups or expression.startswith("~") or any(special in expression for special in ".?*["):
        names.update(dict.fromkeys(_matching(inventory.hosts, expression)))
    if not names:
        return [] if groups else None
    hosts = list(names)
    if subscript and not hosts[subscript]:
        raise UsageError(f"{pattern}: {expression} has only {len(hosts)} hosts, counted from 0")
    return hosts[subscript] if subscript else hosts


def _subscript(pattern: str) -> tuple[str, slice | None]:
    """The pattern without its subscript, and the slice; both ends of a range are part of it."""
    found = None if pattern.startswith("~") else _SUBSCRIPT.fullmatch(pattern)
    if not found:
        return pattern, None
    if found[2]:
        return found[1], slice(int(found[2]), int(found[2]) + 1 or None)
    return found[1], slice(int(found[3]), int(found[4]) + 1 if found[4] else None)


def _matching(names: Iterable[str], pattern: str) -> list[str]:
    if not pattern.startswith("~") and not any(special in pattern for special in "*?["):
        return [pattern] if pattern in names else []
    text = pattern[1:] if pattern.startswith("~") else fnmatch.translate(pattern)
    try:
        expression = re.compile(text)
    except re.error as error:
        raise UsageError(f"{pattern}: not a regular expression: {error}") from None
    return [name for name in names if expression.match(name)]
