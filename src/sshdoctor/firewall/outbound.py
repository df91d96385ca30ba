"""What a machine's own rules do with a connection that it opens itself: the client's side of a dial.

The SYN goes out through output and postrouting, the SYN-ACK comes in through prerouting and input, the ACK
goes out again (Netfilter's packet flow; the model is that of ``judge``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from sshdoctor.firewall import read_tables
from sshdoctor.firewall.kernel.hooks import Hooks
from sshdoctor.firewall.kernel.paths import ChainPath
from sshdoctor.firewall.kernel.segment import ACK, SYN, Segment, to_number
from sshdoctor.firewall.model import Dump, Hook, Packet, Rule
from sshdoctor.model import Family


class Dialling(NamedTuple):
    """A connection from this machine's ``source`` to ``destination``; it leaves by ``interface``, and the
    process belongs to the user ``uid``."""

    family: Family
    source: str
    destination: str
    port: int
    interface: str | None
    uid: int


class Halt(NamedTuple):
    """The rule that surely stops a packet of the connection: ``word`` is "drop" or a reply word."""

    packet: str
    rule: Rule
    word: str


_OUT: tuple[Hook, ...] = ("output", "postrouting")
_IN: tuple[Hook, ...] = ("prerouting", "input")
_STEPS = (("SYN", SYN, _OUT), ("host's SYN-ACK", SYN | ACK, _IN), ("ACK", ACK, _OUT))


def halted(rulesets: Sequence[Dump], dialling: Dialling) -> Halt | None:
    """What surely stops the connection on this machine, None if nothing does, or if it hangs on what the
    rules do not say. Raises RulesError for a dump that is none."""
    hooks = Hooks([table for table in read_tables(rulesets) if table.family == dialling.family])
    paths = [ChainPath(_outward(_packet(dialling)))]
    for name, flags, way in _STEPS:
        paths = [path._replace(segment=_next(path.segment, flags, way is _OUT)) for path in paths]
        for hook in way:
            result = hooks.traverse(hook, paths)
            if not result.accepted:
                stop = next((stop for stop in result.stops if stop.word and stop.rule), None)
                return Halt(name, stop.rule, stop.word) if stop and stop.rule else None
            paths = result.accepted
    return None


def _packet(dialling: Dialling) -> Packet:
    """This machine plays the part of the host, which is who has rules in the model."""
    return Packet(
        family=dialling.family,
        source=dialling.destination,
        destination=dialling.source,
        destination_port=dialling.port,
        listener_uid=dialling.uid,
        in_interface=dialling.interface,
        out_interface=dialling.interface,
    )


def _outward(packet: Packet) -> Segment:
    own = to_number(packet.destination, packet.family)
    return Segment(
        packet=packet,
        own=frozenset((own,)),
        sender="server",
        family=packet.family,
        source=own,
        destination=to_number(packet.source, packet.family),
        source_port=None,
        destination_port=packet.destination_port,
        in_interface="",
        out_interface=packet.out_interface,
    )


def _next(last: Segment, flags: int, out: bool) -> Segment:
    """The next packet of the connection that ``last`` belongs to, this way or that."""
    fresh = replace(_outward(last.packet), flags=flags, connection=last.connection)
    if out:
        return fresh
    return replace(
        fresh,
        sender="client",
        source=fresh.destination,
        destination=fresh.source,
        source_port=fresh.destination_port,
        destination_port=None,
        in_interface=last.packet.in_interface,
        out_interface="",
    )
