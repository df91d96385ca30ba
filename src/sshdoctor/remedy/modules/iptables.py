"""One rule of iptables or ip6tables, in whichever backend these names have on the host.

Source: Ansible's documentation of ansible.builtin.iptables; iptables(8), iptables-extensions(8). As there,
a rule that stands anywhere in the chain is present, wherever ``action`` would put it. What another program
changes at the same time is waited for, also where ``wait`` is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

COLLECTION = "ansible.builtin"


class IptablesArguments(Struct, frozen=True, kw_only=True):
    """``wait`` in seconds. A leading ``!`` in an address, port, protocol or interface negates it."""

    chain: str
    table: Literal["filter", "nat", "mangle", "raw", "security"] = "filter"
    state: Literal["present", "absent"] = "present"
    action: Literal["append", "insert"] = "append"
    rule_num: str | None = None
    ip_version: Literal["ipv4", "ipv6"] = "ipv4"
    protocol: str | None = None
    source: str | None = None
    destination: str | None = None
    match: tuple[str, ...] = ()
    jump: str | None = None
    in_interface: str | None = None
    out_interface: str | None = None
    source_port: str | None = None
    destination_port: str | None = None
    ctstate: tuple[str, ...] = ()
    match_set: str | None = None
    match_set_flags: Literal["src", "dst", "src,dst", "dst,src", "src,src", "dst,dst"] | None = None
    comment: str | None = None
    wait: str | None = None


ARGUMENTS = IptablesArguments


def faults(arguments: IptablesArguments) -> Iterator[str]:
    """What iptables would refuse, and a rule without a target, which would do nothing."""
    if (arguments.match_set is None) != (arguments.match_set_flags is None):
        yield "match_set and match_set_flags go together"
    if arguments.rule_num is not None and arguments.action != "insert":
        yield "rule_num needs action: insert"
    if arguments.jump is None:
        yield "jump is needed"
