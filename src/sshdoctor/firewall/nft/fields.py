"""What stands on the left of an nft match: a header field, ``meta``, ``ct``, ``fib``, a concatenation.

Sources: nft(8), libnftables-json(5); the kernel's nft_meta.c, nft_ct.c, nft_payload.c and nft_fib.c.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sshdoctor.firewall.kernel.address_type import AddressType, address_type
from sshdoctor.firewall.kernel.matches import (
    INTERFACE,
    MARK,
    OWNER,
    PICKED,
    SOURCE_PORT,
    Ports,
    has_owner,
    is_loopback,
)
from sshdoctor.firewall.kernel.segment import SYN, TCP, Segment
from sshdoctor.firewall.kernel.spans import Span, length
from sshdoctor.firewall.kernel.surroundings import IPSEC, is_transparent, listens_everywhere
from sshdoctor.firewall.model import Doubt
from sshdoctor.firewall.nft import names as nft_names
from sshdoctor.firewall.nft.ct import ct_field
from sshdoctor.firewall.nft.field import Field, no_item, nothing, unknown
from sshdoctor.firewall.nft.headers import option_field, payload_field, raw_field
from sshdoctor.firewall.nft.values import Device, Item, Seen, name_item, number_item
from sshdoctor.model import Family

OPERATORS = frozenset(("&", "|", "^", "<<", ">>"))


def is_field(kind: str) -> bool:
    """Whether an expression of this kind asks the packet for something."""
    return kind in _KINDS


_KINDS = frozenset(
    ("payload", "meta", "ct", "fib", "rt", "socket", "osf", "ipsec", "exthdr", "tcp option", "ip option",
     "sctp chunk", "dccp option", "numgen", "jhash", "symhash")
)  # fmt: skip


def field_of(left: Any, family: Family) -> Field:
    """The field that ``left`` names; one that is not modelled shows a Doubt that names it."""
    if not isinstance(left, dict) or len(left) != 1:
        return unknown("an expression")
    [(kind, value)] = left.items()
    if kind == "concat":
        return _concatenation([field_of(part, family) for part in value])
    if kind == "&":
        return _without_flags(value) or _masked(field_of(value[0], family), value[1])
    if kind == "payload" and "field" in value:
        return payload_field(value["protocol"], value["field"], family)
    if kind == "meta":
        return _META.get(value["key"]) or unknown(f"meta {value['key']}", value["key"] in _CHANGING)
    if kind == "ct":
        return ct_field(value, family)
    if kind == "fib":
        return _fib(value)
    if kind in ("tcp option", "exthdr", "ip option"):
        return option_field(kind, value, family)
    if kind == "rt" and value["key"] == "ipsec":
        return _IPSEC
    if kind == "socket" and value["key"] in ("wildcard", "transparent"):
        read = listens_everywhere if value["key"] == "wildcard" else is_transparent
        return Field(read, number_item({}))
    if kind in ("numgen", "symhash", "jhash"):
        return _computed(kind, value, family)
    if kind == "payload":
        return raw_field(value, family)
    if kind in ("sctp chunk", "dccp option"):
        return nothing()
    if kind in ("rt", "socket"):
        return unknown(f"{kind} {value['key']}")
    if kind == "ipsec":
        return Field(lambda segment: IPSEC if segment.packet.ipsec is not False else None, no_item)
    if kind in OPERATORS:
        return unknown(f"a value that the rule computes ({kind})")
    return unknown(_NAMES.get(kind, str(kind)), kind in _NAMES)


_CHANGING = frozenset(("time", "day", "hour", "random", "cpu"))
_NAMES = {
    "osf": "the client's operating system (osf)",
}


def _without_flags(value: list[Any]) -> Field | None:
    """``ip frag-off & 0x1fff``: our packets are no fragments; only "don't fragment" may be set."""
    fragment = value[0] == {"payload": {"protocol": "ip", "field": "frag-off"}}
    if fragment and isinstance(value[1], int) and not value[1] & 0x4000:
        return Field(lambda segment: 0 if segment.family == "ipv4" else None, number_item({}))
    return None


def _concatenation(parts: list[Field]) -> Field:
    def read(segment: Segment) -> Seen:
        seen = tuple(part.read(segment) for part in parts)
        return None if None in seen else seen

    def item(element: Any) -> Item:
        return tuple(part.item(one) for part, one in zip(parts, element["concat"], strict=True))

    return Field(read, item)


def _masked(inner: Field, mask: Any) -> Field:
    kept = inner.item(mask)[0]

    def read(segment: Segment) -> Seen:
        seen = inner.read(segment)
        if isinstance(seen, Ports):
            return Doubt("depends", SOURCE_PORT.why + " (masked)")
        if isinstance(seen, Span):
            return seen.low & kept if seen.low == seen.high else seen.doubt
        return seen & kept if isinstance(seen, int) else seen

    return Field(read, inner.item, inner.bits)


def _interface(which: str) -> Callable[[Segment], Seen]:
    def read(segment: Segment) -> Seen:
        name: str | None = getattr(segment, which)
        if name is None:
            return "lo" if is_loopback(segment) else INTERFACE
        return name

    return read


def _owner(which: str) -> Callable[[Segment], Seen]:
    """Whose the packet's socket is: on the way out the listener's; on the way in of a connection's later
    packets too, which the kernel has found before the input hook (tcp_v4_early_demux)."""

    def read(segment: Segment) -> Seen:
        if segment.sender == "client":
            found = segment.hook == "input" and segment.protocol == TCP and segment.flags != SYN
            if not found or segment.in_interface == "lo":
                return None
        elif not has_owner(None, segment):
            return None
        number: int | None = getattr(segment.packet, which)
        return OWNER if number is None else number

    return read


def _computed(kind: str, value: dict[str, Any], family: Family) -> Field:
    """A number from ``offset`` up, below ``offset`` and ``mod`` together."""
    names = {
        "numgen": "chance (numgen)",
        "jhash": "a hash of the packet (jhash)",
        "symhash": "a hash of the packet (symhash)",
    }
    first = int(value.get("offset", 0))
    asked = field_of(value["expr"], family).read if "expr" in value else (lambda segment: 0)
    span = Span(first, first + max(1, int(value["mod"])) - 1, Doubt("depends", names[kind]))
    return Field(lambda segment: None if asked(segment) is None else span, number_item({}))


def _length(segment: Segment) -> Seen:
    """An egress chain sees the Ethernet header too."""
    low, high, doubt = length(segment)
    return Span(low, high + 14, doubt) if segment.hook == "postrouting" else Span(low, high, doubt)


_IPSEC = Field(lambda segment: IPSEC if segment.packet.ipsec is not False else 0, number_item({}))
_META = {
    "length": Field(_length, number_item({})),
    "ipsec": _IPSEC,
    "secpath": _IPSEC,
    "l4proto": Field(lambda segment: segment.protocol, number_item(nft_names.PROTOCOLS)),
    "nfproto": Field(
        lambda segment: 2 if segment.family == "ipv4" else 10, number_item(nft_names.NF_PROTOCOLS)
    ),
    "protocol": Field(
        lambda segment: 0x0800 if segment.family == "ipv4" else 0x86DD, number_item(nft_names.ETHER_TYPES)
    ),
    "iifname": Field(_interface("in_interface"), name_item),
    "oifname": Field(_interface("out_interface"), name_item),
    "iif": Field(_interface("in_interface"), name_item),
    "oif": Field(_interface("out_interface"), name_item),
    "mark": Field(lambda segment: MARK if segment.mark is None else segment.mark, number_item({})),
    "pkttype": Field(lambda segment: 0, number_item(nft_names.PACKET_TYPES)),
    "skuid": Field(_owner("listener_uid"), number_item({"root": 0})),
    "skgid": Field(_owner("listener_gid"), number_item({"root": 0})),
}


def _fib(value: dict[str, Any]) -> Field:
    flags = set(value.get("flags", ()))
    if "mark" in flags:
        return _without_mark(value, flags)
    if value.get("result") == "type" and flags in ({"saddr"}, {"daddr"}, {"saddr", "iif"}, {"daddr", "iif"}):
        return Field(lambda segment: _route_type(segment, "saddr" in flags, "iif" in flags), name_item)
    if value.get("result") in ("oif", "oifname", "check"):
        read = {
            frozenset(("saddr", "iif")): _reverse_path,
            frozenset(("saddr",)): _way_back,
            frozenset(("daddr",)): _way_there,
        }.get(frozenset(flags))
        if read is not None:
            return Field(read, _device_item)
    return unknown("fib " + " . ".join(sorted(flags)))


def _without_mark(value: dict[str, Any], flags: set[str]) -> Field:
    """A packet without a mark takes the way that it would take anyhow."""
    plain = _fib({**value, "flags": sorted(flags - {"mark"})})
    doubt = Doubt("unknown", "the way that a packet with this mark takes (fib)")
    return plain._replace(read=lambda segment: plain.read(segment) if segment.mark == 0 else doubt)


def _device_item(element: Any) -> Item:
    """A device by its name, or whether there is any."""
    return element if isinstance(element, str) else number_item({})(int(element))


def _way_back(segment: Segment) -> Seen:
    """By which device the packet's sender is reached; without one, no connection comes about."""
    if segment.sender == "server":
        return Doubt("unknown", "the way to the host's own address (fib)")
    return Device(segment.packet.out_interface)


def _way_there(segment: Segment) -> Seen:
    """Measured: what is the host's own has no device here."""
    if segment.sender == "client" and segment.hook in ("prerouting", "input"):
        return (
            0 if not segment.connection.redirected_to else Doubt("unknown", "whose the new address is (fib)")
        )
    return Doubt("unknown", "the way to the client (fib)")


def _route_type(segment: Segment, of_source: bool, on_interface: bool) -> Seen:
    kinds = ("LOCAL", "UNICAST", "BROADCAST", "MULTICAST")
    if segment.picked and (segment.sender == "server") == of_source:
        return PICKED if on_interface else "local"
    for kind in kinds:
        truth = address_type(AddressType(frozenset((kind,)), of_source, on_interface), segment)
        if truth is not False:
            return kind.lower() if truth is True else truth
    return "unspec"


def _reverse_path(segment: Segment) -> Seen:
    if segment.in_interface == "lo":
        return Device("lo")
    known = segment.packet.reverse_path
    if known is None:
        return Doubt("unknown", "the route back to the client (fib)")
    return Device(segment.in_interface) if known else 0
