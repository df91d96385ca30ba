"""Your own addresses, as a host sees them, in both families."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from ipaddress import ip_address

from sshdoctor.facts.host.addresses import Addresses
from sshdoctor.protection.doors import outer

Towards = Callable[[str], str | None]


def source_towards(address: str) -> str | None:
    """This machine's own address towards another, None if there is no route; no packet is sent for it."""
    kind = socket.AF_INET6 if ":" in address else socket.AF_INET
    with suppress(OSError), socket.socket(kind, socket.SOCK_DGRAM) as asking:
        asking.connect((address, 9))
        return str(asking.getsockname()[0])
    return None


def your_addresses(
    seen: Sequence[str | None], addresses: object, towards: Towards = source_towards
) -> tuple[str, ...]:
    """Those that the host has ``seen``, and this machine's towards the host's in the other family.

    ``addresses`` are the host's, an Unknown where it does not tell.
    """
    yours = {str(ip_address(each)) for each in seen if each}
    if isinstance(addresses, Addresses):
        yours |= set(_other_family(yours, addresses, towards))
    return tuple(sorted(yours, key=lambda each: (":" in each, each)))


def _other_family(yours: set[str], addresses: Addresses, towards: Towards) -> Iterator[str]:
    """This machine's address in a family that was not dialled, unless it is translated on the way."""
    for family in ("ipv4", "ipv6"):
        there = outer(family, addresses)
        if there is None or any((":" in each) == (family == "ipv6") for each in yours):
            continue
        here = towards(there)
        if here and ip_address(here).is_global == ip_address(there).is_global:
            yield here
