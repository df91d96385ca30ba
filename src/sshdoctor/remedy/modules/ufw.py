"""One rule of ufw, for both families unless an address says which.

Source: Ansible's documentation of community.general.ufw; ufw(8). As there, a rule with another verdict for
the same packets is replaced where it stands, and one that exists is not moved by ``insert``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

COLLECTION = "community.general"
ALIASES = {
    "port": "to_port",
    "protocol": "proto",
    "from": "from_ip",
    "src": "from_ip",
    "to": "to_ip",
    "dest": "to_ip",
}


class UfwArguments(Struct, frozen=True, kw_only=True):
    """``insert`` counts from 1 over the rules of both families, those of IPv4 first; relative to another
    place than ``zero``, from 0 (as in Ansible).
    """

    rule: Literal["allow", "deny", "limit", "reject"]
    to_port: str | None = None
    proto: Literal["ah", "any", "esp", "ipv6", "tcp", "udp", "gre", "igmp"] | None = None
    from_ip: str = "any"
    to_ip: str = "any"
    insert: int | None = None
    insert_relative_to: Literal["zero", "first-ipv4", "last-ipv4", "first-ipv6", "last-ipv6"] = "zero"
    delete: bool = False
    comment: str | None = None


ARGUMENTS = UfwArguments


def faults(arguments: UfwArguments) -> Iterator[str]:
    """What ufw would refuse."""
    if arguments.to_port is None and (arguments.from_ip, arguments.to_ip) == ("any", "any"):
        yield "a rule needs a port or an address"
    if arguments.comment is not None and "'" in arguments.comment:
        yield "comment: ufw takes no single quote"
