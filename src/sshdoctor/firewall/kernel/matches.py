"""The judges of single matches: each says of one segment True, False, or a Doubt, before negation.

Sources: iptables-extensions(8), and the kernel's net/netfilter/xt_*.c, which the oracle in the tests asks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from msgspec.structs import replace

from sshdoctor.firewall.kernel.segment import TCP, Segment
from sshdoctor.firewall.model import Doubt, Match, Truth

Ranges = tuple[tuple[int, int], ...]

_RARE = 1000
"""What holds for fewer than one in so many of the ports that a client may be given does not hold; and so
does what fails for so few."""

INTERFACE = Doubt("unknown", "the interface that the packet uses")
SOURCE_PORT = Doubt("depends", "the client's source port")
PICKED = Doubt("unknown", "which of the host's addresses REDIRECT picks")
MARK = Doubt("unknown", "the packet's mark")


def all_hold(matches: tuple[Match, ...], segment: Segment) -> Truth:
    """Whether every match holds: one that fails settles it, whatever the others are in doubt about."""
    doubt: Doubt | None = None
    for judge, value, negated in matches:
        truth = judge(value, segment)
        if truth is negated:
            return False
        if truth is not True and truth is not False and (doubt is None or doubt.kind == "depends"):
            doubt = truth
    return True if doubt is None else doubt


def always(value: bool, segment: Segment) -> Truth:
    return value


def in_doubt(doubt: Doubt, segment: Segment) -> Truth:
    return doubt


def came_lately(list_name: str | None, segment: Segment) -> Truth:
    """Whether the list of ``-m recent`` holds the client, as the rule asks for; None is a list that is not
    known. One that is known not to hold it answers no, however often it is asked."""
    if segment.sender == "client" and list_name in segment.packet.not_recent:
        return False
    return Doubt("depends", "how often this client came lately (recent)")


def protocol(number: int, segment: Segment) -> Truth:
    return segment.protocol == number


def source(networks: Ranges, segment: Segment) -> Truth:
    """``networks`` are (address, mask) pairs."""
    number = segment.source
    found = any(number & mask == address for address, mask in networks)
    return _picked(source, networks, found, segment) if segment.picked else found


def destination(networks: Ranges, segment: Segment) -> Truth:
    number = segment.destination
    found = any(number & mask == address for address, mask in networks)
    return _picked(destination, networks, found, segment) if segment.picked else found


def _picked(judge: Callable[[Ranges, Segment], Truth], value: Ranges, found: bool, segment: Segment) -> Truth:
    """What holds for every address that REDIRECT may have picked: a hidden rule of the kernel chooses among
    the interface's own (nf_nat_redirect.c)."""
    if (segment.sender == "client") is (judge in (source, source_range)):
        return found
    if not segment.packet.local_addresses:
        return PICKED
    at_another = (
        replace(segment, picked=False, destination=number)
        if segment.sender == "client"
        else replace(segment, picked=False, source=number)
        for number in segment.own
    )
    others = (judge(value, each) for each in at_another)
    return found if all(truth is found for truth in others) else PICKED


def source_range(ranges: Ranges, segment: Segment) -> Truth:
    found = _within(ranges, segment.source)
    return _picked(source_range, ranges, found, segment) if segment.picked else found


def destination_range(ranges: Ranges, segment: Segment) -> Truth:
    found = _within(ranges, segment.destination)
    return _picked(destination_range, ranges, found, segment) if segment.picked else found


def source_port(ranges: Ranges, segment: Segment) -> Truth:
    return segment.protocol == TCP and port_within(ranges, known_port(segment.source_port, segment))


def destination_port(ranges: Ranges, segment: Segment) -> Truth:
    return segment.protocol == TCP and port_within(ranges, known_port(segment.destination_port, segment))


def either_port(ranges: Ranges, segment: Segment) -> Truth:
    """``multiport --ports``: one of the two is in the list."""
    truths = (source_port(ranges, segment), destination_port(ranges, segment))
    if True in truths:
        return True
    return next((truth for truth in truths if truth is not False), False)


class Ports(NamedTuple):
    """A port of which only the range is known: the client's own."""

    low: int
    high: int


def known_port(port: int | None, segment: Segment) -> int | Ports:
    return Ports(*segment.packet.source_ports) if port is None else port


def port_within(ranges: Ranges, port: int | Ports) -> Truth:
    """Whether one of ``ranges`` holds the port.

    >>> port_within(((1024, 65535),), Ports(32768, 60999)), port_within(((3306, 3306),), Ports(32768, 60999))
    (True, False)
    """
    if isinstance(port, int):
        return _within(ranges, port)
    size = port.high - port.low + 1
    parts = sorted((max(low, port.low), min(high, port.high)) for low, high in ranges)
    covered, after = 0, port.low
    for low, high in parts:
        covered += max(0, high + 1 - max(low, after))
        after = max(after, high + 1)
    if covered * _RARE < size:
        return False
    return True if (size - covered) * _RARE < size else SOURCE_PORT


def _within(ranges: Ranges, number: int) -> bool:
    return any(low <= number <= high for low, high in ranges)


def in_interface(pattern: str, segment: Segment) -> Truth:
    return _interface(pattern, segment.in_interface, segment)


def out_interface(pattern: str, segment: Segment) -> Truth:
    return _interface(pattern, segment.out_interface, segment)


def _interface(pattern: str, name: str | None, segment: Segment) -> Truth:
    """``eth+`` is every name that starts with eth, and ``+`` is every packet (xt_tables' ifname mask)."""
    if pattern == "+":
        return True
    if name is not None:
        return name.startswith(pattern[:-1]) if pattern.endswith("+") else name == pattern
    if pattern == "lo" and not is_loopback(segment):
        return False
    return INTERFACE


def on_device(devices: tuple[str, ...] | None, segment: Segment) -> Truth:
    """Whether a chain of certain interfaces sees the packet; ``devices`` is None for a chain of all."""
    if devices is None:
        return True
    name = segment.in_interface or segment.out_interface
    return INTERFACE if name is None or not devices else name in devices


def is_loopback(segment: Segment) -> bool:
    """Whether the packet stays on this host: only then does it use ``lo``."""
    remote = segment.source if segment.sender == "client" else segment.destination
    return remote in segment.own or has_loopback_address(remote, segment)


def has_loopback_address(number: int, segment: Segment) -> bool:
    return number >> 24 == 127 if segment.family == "ipv4" else number == 1


def tcp_flags(mask_and_set: tuple[int, int], segment: Segment) -> Truth:
    mask, wanted = mask_and_set
    return segment.protocol == TCP and segment.flags & mask == wanted


def icmp_type(types: tuple[int, int, int], segment: Segment) -> Truth:
    """``types`` is the type (-1: any), and the first and the last code."""
    if segment.icmp is None:
        return False
    wanted, low, high = types
    kind, code = segment.icmp
    return wanted in (-1, kind) and (wanted == -1 or low <= code <= high)


def mark(value_and_mask: tuple[int, int], segment: Segment) -> Truth:
    return _mark(segment.mark, value_and_mask)


def connection_mark(value_and_mask: tuple[int, int], segment: Segment) -> Truth:
    """Without a connection (raw, NOTRACK) it fails: see ``connection_tracked``, which goes before it."""
    return _mark(segment.connection.mark, value_and_mask)


def has_label(label: int | str, segment: Segment) -> Truth:
    """Nothing but a rule gives a label to a connection; a packet without one has none (xt_connlabel.c)."""
    labels = segment.connection.labels if connection_tracked(None, segment) else frozenset()
    if None in labels:
        return Doubt("unknown", "which label the connection was given")
    return str(label) in labels


def connection_tracked(_: None, segment: Segment) -> Truth:
    return segment.state not in ("INVALID", "UNTRACKED")


def _mark(number: int | None, value_and_mask: tuple[int, int]) -> Truth:
    value, mask = value_and_mask
    return MARK if number is None else number & mask == value


OWNER = Doubt("unknown", "the owner of the listening socket")


def has_owner(_: object, segment: Segment) -> Truth:
    """Packets that the kernel itself makes (a RST, an ICMP error) have no owner."""
    return segment.sender == "server" and not segment.icmp and not segment.flags & 4


def has_socket(_: object, segment: Segment) -> Truth:
    """Measured (xt_owner): the kernel's own ICMP errors come of a socket, which nobody owns."""
    return segment.sender == "server" and not segment.flags & 4


def owner(uids: tuple[int, int], segment: Segment) -> Truth:
    return _owned(uids, segment.packet.listener_uid, segment)


def group(gids: tuple[int, int], segment: Segment) -> Truth:
    return _owned(gids, segment.packet.listener_gid, segment)


def _owned(wanted: tuple[int, int], number: int | None, segment: Segment) -> Truth:
    if not has_owner(None, segment):
        return False
    return OWNER if number is None else wanted[0] <= number <= wanted[1]


def reverse_path(_: None, segment: Segment) -> Truth:
    if segment.in_interface == "lo":
        return True
    known = segment.packet.reverse_path
    return Doubt("unknown", "the route back to the client (rpfilter)") if known is None else known
