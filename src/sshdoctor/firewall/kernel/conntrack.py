"""Connection tracking: what state conntrack gives each packet, and the matches that ask for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec.structs import replace

from sshdoctor.firewall.kernel.matches import PICKED, known_port, port_within
from sshdoctor.firewall.kernel.segment import ACK, RST, SYN, Segment, to_number
from sshdoctor.firewall.model import Doubt, Truth

ZONE = Doubt("unknown", "the state in a conntrack zone")


def track(segment: Segment) -> Segment:
    """The segment past conntrack's hook (priority -200), with its ``state``.

    States of TCP packets that have no entry, or come out of order: nf_conntrack_proto_tcp.c, as measured
    by the oracle: a SYN opens an entry, a SYN-ACK does not, anything later is picked up as NEW.
    """
    if segment.untracked:
        return replace(segment, state="UNTRACKED")
    if segment.icmp or segment.flags & RST:
        return segment
    known = segment.connection
    if known.originator is None:
        if segment.flags & (SYN | ACK) == SYN | ACK:
            return replace(segment, state="INVALID")
        return replace(segment, state="NEW", connection=replace(known, originator=segment.sender))
    known = replace(known, confirmed=True)
    if segment.sender != known.originator:
        return replace(segment, state="ESTABLISHED", connection=replace(known, replied=True))
    if not known.replied:
        # After nothing but the originator's SYN, its next packet without SYN fits no TCP state.
        fits = segment.flags & SYN or known.originator == "server"
        return replace(segment, state="NEW" if fits else "INVALID", connection=known)
    return replace(segment, state="ESTABLISHED", connection=replace(known, assured=True))


class Condition(NamedTuple):
    """One option of ``-m conntrack``, such as ``! --ctstate NEW``."""

    option: str
    negated: bool
    value: Any


def conntrack(conditions: tuple[Condition, ...], segment: Segment) -> Truth:
    """xt_conntrack.c: without a connection only ``--ctstate`` is looked at, and the rest then holds."""
    if segment.connection.zoned:
        return ZONE
    tracked = segment.state not in ("INVALID", "UNTRACKED")
    states = [c for c in conditions if c.option == "--ctstate"]
    doubt: Doubt | None = None
    for condition in states:
        truth = _has_state(condition.value, segment)
        if truth is condition.negated:
            return False
        doubt = truth if isinstance(truth, Doubt) else doubt
    if not tracked:
        return bool(states)
    for condition in conditions:
        if condition.option == "--ctstate":
            continue
        truth = _CONDITIONS.get(condition.option, _not_modelled)(condition.value, segment)
        if truth is condition.negated:
            return False
        if isinstance(truth, Doubt):
            doubt = truth
    return doubt or True


def state(states: frozenset[str], segment: Segment) -> Truth:
    """``-m state``, the older form."""
    return ZONE if segment.connection.zoned else segment.state in states


def is_translated(segment: Segment) -> Truth:
    """Whether DNAT or REDIRECT has changed where the connection goes: one to what was dialled changes
    nothing (nf_nat_core.c, IPS_DST_NAT)."""
    connection = segment.connection
    packet = segment.packet
    if connection.redirected_to is None:
        return False
    address, port = connection.redirected_to
    if port != packet.destination_port:
        return True
    if connection.picked:
        return PICKED
    return address != to_number(packet.destination, packet.family)


def _has_state(states: frozenset[str], segment: Segment) -> Truth:
    if segment.state in states or "DNAT" not in states or segment.state in ("INVALID", "UNTRACKED"):
        return segment.state in states
    return is_translated(segment)


def _is_original(segment: Segment) -> bool:
    if segment.state == "RELATED":
        return False
    return segment.sender == segment.connection.originator


def _direction(wanted: str, segment: Segment) -> Truth:
    return _is_original(segment) == (wanted == "ORIGINAL")


def status_bits(segment: Segment) -> int | Doubt:
    """IPS_* bits: CONFIRMED once the first packet is in, SEEN_REPLY and ASSURED as the handshake goes on,
    DST_NAT where the connection goes elsewhere."""
    connection = segment.connection
    translated = is_translated(segment)
    if isinstance(translated, Doubt):
        return translated
    return 2 * connection.replied | 4 * connection.assured | 8 * connection.confirmed | 32 * translated


def _status(wanted: frozenset[str], segment: Segment) -> Truth:
    """NONE is no bit at all, so that it never matches (libxt_conntrack.c)."""
    bits = sum(_STATUS.get(name, 0) for name in wanted)
    known = status_bits(segment)
    return known if isinstance(known, Doubt) else bool(known & bits)


_STATUS = {"EXPECTED": 1, "SEEN_REPLY": 2, "ASSURED": 4, "CONFIRMED": 8}


def _protocol(wanted: int, segment: Segment) -> Truth:
    return wanted == 6


def _not_modelled(_: Any, segment: Segment) -> Truth:
    return Doubt("unknown", "an option of the match conntrack that is not modelled")


def _ends(segment: Segment) -> tuple[tuple[int, int | None], tuple[int, int | None], tuple[int, int | None]]:
    """The client's end, the end that it dialled, and the end that it reached."""
    if segment.sender == "client":
        client = (segment.source, segment.source_port)
    else:
        client = (segment.destination, segment.destination_port)
    packet = segment.packet
    dialled = (to_number(packet.destination, packet.family), packet.destination_port)
    return client, dialled, segment.connection.redirected_to or dialled


def end_of(which: str, segment: Segment) -> tuple[int, int | None]:
    """Address and port of ``origsrc``, ``origdst``, ``replsrc`` or ``repldst``."""
    client, dialled, reached = _ends(segment)
    if segment.connection.originator != "client":
        client, dialled, reached = reached, client, client
    return {"origsrc": client, "origdst": dialled, "replsrc": reached, "repldst": client}[which]


def _address(wanted: tuple[str, tuple[int, int]], segment: Segment) -> Truth:
    which, (network, mask) = wanted
    if segment.connection.picked and which == "replsrc":
        return PICKED
    return end_of(which, segment)[0] & mask == network


def _port(wanted: tuple[str, tuple[int, int]], segment: Segment) -> Truth:
    which, (low, high) = wanted
    return port_within(((low, high),), known_port(end_of(which, segment)[1], segment))


_CONDITIONS: dict[str, Callable[[Any, Segment], Truth]] = {
    "--ctdir": _direction,
    "--ctstatus": _status,
    "--ctproto": _protocol,
    "--ctexpire": lambda _, segment: Doubt("depends", "how long conntrack still remembers (ctexpire)"),
    "--ctorigsrc": _address,
    "--ctorigdst": _address,
    "--ctreplsrc": _address,
    "--ctrepldst": _address,
    "--ctorigsrcport": _port,
    "--ctorigdstport": _port,
    "--ctreplsrcport": _port,
    "--ctrepldstport": _port,
}
