"""Which bans of a host an `unban` is about: those in what was typed; and those that are wider than that."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network

from msgspec import Struct

MOST = 200
"""Bans that one `unban` ends: it does so one by one."""

_Network = IPv4Network | IPv6Network


class Standing(Struct, frozen=True):
    """``whom``: all that is to be let go, first what was typed. ``wider``: networks that are banned, in
    which something typed lies; their bans are others' as well."""

    whom: tuple[str, ...]
    wider: tuple[str, ...] = ()

    @property
    def refused(self) -> str:
        """Why that is not done, "" if it is."""
        if self.wider:
            flags = " ".join(f"--address {each}" for each in (*self.whom, *self.wider))
            return f"{', '.join(self.wider)} is banned as a whole: to let all of it in, unban {flags}"
        return f"more than {MOST} are banned there: name a smaller network" if len(self.whom) > MOST else ""


def standing(typed: Sequence[str], held: Sequence[str]) -> Standing:
    """
    >>> standing(["192.0.2.0/24"], ["192.0.2.7", "198.51.100.7", "::1"]).whom
    ('192.0.2.0/24', '192.0.2.7')
    >>> standing(["192.0.2.7"], ["192.0.2.0/24"]).refused
    '192.0.2.0/24 is banned as a whole: to let all of it in, unban --address 192.0.2.7 --address 192.0.2.0/24'
    >>> standing(["192.0.2.7", "192.0.2.0/24"], ["192.0.2.0/24", "192.0.2.7"]).refused
    ''
    """
    asked = [ip_network(each) for each in typed]
    books = {each: ip_network(each) for each in held}
    inside = [each for each, ban in books.items() if any(_lies(ban, one) for one in asked)]
    wider = [each for each, ban in books.items() if any(_lies(one, ban) for one in asked)]
    whom = tuple(dict.fromkeys((*typed, *inside)))
    return Standing(whom, tuple(each for each in wider if each not in whom))


def _lies(inner: _Network, outer: _Network) -> bool:
    if isinstance(inner, IPv4Network):
        return isinstance(outer, IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, IPv6Network) and inner.subnet_of(outer)
