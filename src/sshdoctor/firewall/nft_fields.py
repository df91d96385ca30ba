"""What stands on the left of an nft match: a header field, ``meta``, ``ct``, ``fib``, a concatenation.

Sources: nft(8), libnftables-json(5); the kernel's nft_meta.c, nft_ct.c, nft_payload.c and nft_fib.c.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from sshdoctor.firewall import nft_names
from sshdoctor.firewall.address_type import AddressType, address_type
from sshdoctor.firewall.conntrack import ZONE, status_bits
from sshdoctor.firewall.matches import INTERFACE, MARK, PICKED, is_loopback
from sshdoctor.firewall.model import Doubt
from sshdoctor.firewall.nft_values import ANY_PORT, Item, Seen, address_item, name_item, number_item
from sshdoctor.firewall.segment import TCP, Segment
from sshdoctor.model import Family


class Field(NamedTuple):
    """``read`` is what a packet shows; ``item`` reads what it is compared with. ``bits``: a set of flags."""

    read: Callable[[Segment], Seen]
    item: Callable[[Any], Item]
    bits: bool = False


def field_of(left: Any, family: Family) -> Field:
    """The field that ``left`` names; one that is not modelled shows a Doubt that names it."""
    if not isinstance(left, dict) or len(left) != 1:
        return _unknown("an expression")
    [(kind, value)] = left.items()
    if kind == "concat":
        return _concatenation([field_of(part, family) for part in value])
    if kind == "&":
        return _masked(field_of(value[0], family), value[1])
    if kind == "payload" and "field" in value:
        return _payload(value["protocol"], value["field"], family)
    if kind == "meta":
        return _META.get(value["key"]) or _unknown(f"meta {value['key']}", value["key"] in _CHANGING)
    if kind == "ct":
        return _ct(value, family)
    if kind == "fib":
        return _fib(value)
    return _unknown(str(kind), kind == "numgen")


def _unknown(what: str, depends: bool = False) -> Field:
    doubt = Doubt("depends" if depends else "unknown", what)
    return Field(lambda segment: doubt, lambda element: element)


_CHANGING = frozenset(("time", "day", "hour", "random", "cpu"))


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
        if seen is ANY_PORT:
            return Doubt("depends", ANY_PORT.why + " (masked)")
        return seen & kept if isinstance(seen, int) else seen

    return Field(read, inner.item, inner.bits)


def _payload(protocol: str, name: str, family: Family) -> Field:
    ours = "ip" if family == "ipv4" else "ip6"
    if protocol == ours and name in ("saddr", "daddr"):
        return Field(_source if name == "saddr" else _destination, address_item(family))
    if protocol == ours and name in ("protocol", "nexthdr"):
        return Field(lambda segment: segment.protocol, number_item(nft_names.PROTOCOLS))
    if protocol in ("ip", "ip6"):
        return _nothing() if protocol != ours else _unknown(f"{protocol} {name}")
    if protocol in ("tcp", "th") and name in ("sport", "dport"):
        read = _source_port if name == "sport" else _destination_port
        return Field(_only_tcp(read, protocol), number_item({}))
    if protocol == "tcp" and name == "flags":
        return Field(_tcp_flags, number_item(nft_names.TCP_FLAGS), bits=True)
    if protocol in ("icmp", "icmpv6") and name in ("type", "code"):
        return _icmp(protocol, name, family)
    if protocol in ("tcp", "th"):
        return _unknown(f"{protocol} {name}")
    return _unknown("the address of the network card") if protocol == "ether" else _nothing()


def _nothing() -> Field:
    """A header that our packets do not have."""
    return Field(lambda segment: None, lambda element: element)


def _only_tcp(read: Callable[[Segment], Seen], protocol: str) -> Callable[[Segment], Seen]:
    other = None if protocol == "tcp" else Doubt("unknown", "the first bytes of an ICMP packet")
    return lambda segment: read(segment) if segment.protocol == TCP else other


def _source(segment: Segment) -> Seen:
    return PICKED if _is_picked(segment, "server") else segment.source


def _destination(segment: Segment) -> Seen:
    return PICKED if _is_picked(segment, "client") else segment.destination


def _is_picked(segment: Segment, sender: str) -> bool:
    return segment.picked and segment.sender == sender and len(segment.own) > 1


def _source_port(segment: Segment) -> Seen:
    return ANY_PORT if segment.source_port is None else segment.source_port


def _destination_port(segment: Segment) -> Seen:
    return ANY_PORT if segment.destination_port is None else segment.destination_port


def _tcp_flags(segment: Segment) -> Seen:
    return segment.flags if segment.protocol == TCP else None


def _icmp(protocol: str, name: str, family: Family) -> Field:
    names = nft_names.ICMP_TYPES if protocol == "icmp" else nft_names.ICMPV6_TYPES
    ours = protocol == ("icmp" if family == "ipv4" else "icmpv6")
    place = 0 if name == "type" else 1
    codes = nft_names.ICMP_CODES if protocol == "icmp" else nft_names.ICMPV6_CODES
    return Field(
        lambda segment: segment.icmp[place] if segment.icmp and ours else None,
        number_item(codes if place else names),
    )


def _interface(which: str) -> Callable[[Segment], Seen]:
    def read(segment: Segment) -> Seen:
        name: str | None = getattr(segment, which)
        if name is None:
            return "lo" if is_loopback(segment) else INTERFACE
        return name

    return read


def _owner(segment: Segment) -> Seen:
    if segment.sender == "client" or segment.icmp or segment.flags & 4:
        return None
    uid = segment.packet.listener_uid
    return Doubt("unknown", "the owner of the listening socket") if uid is None else uid


_META = {
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
    "skuid": Field(_owner, number_item({"root": 0})),
}


def _ct(value: dict[str, Any], family: Family) -> Field:
    key = value["key"]
    if key == "state":
        return Field(
            lambda s: ZONE if s.connection.zoned else nft_names.CT_STATES[s.state.lower()],
            number_item(nft_names.CT_STATES),
            bits=True,
        )
    known = _CT.get(key)
    if known is None:
        return _unknown(f"ct {key}", key in ("bytes", "packets", "avgpkt", "expiration", "count"))
    return Field(lambda s: known.read(s) if s.state not in ("INVALID", "UNTRACKED") else None, *known[1:])


def _connection_mark(segment: Segment) -> Seen:
    mark = segment.connection.mark
    return MARK if mark is None else mark


_CT = {
    "direction": Field(
        lambda s: 0 if s.state != "RELATED" and s.sender == s.connection.originator else 1,
        number_item({"original": 0, "reply": 1}),
    ),
    "status": Field(status_bits, number_item(nft_names.CT_STATUS), bits=True),
    "mark": Field(_connection_mark, number_item({})),
    "protocol": Field(lambda s: TCP, number_item(nft_names.PROTOCOLS)),
    "l3proto": Field(lambda s: 2 if s.family == "ipv4" else 10, number_item(nft_names.NF_PROTOCOLS)),
}


def _fib(value: dict[str, Any]) -> Field:
    flags = set(value.get("flags", ()))
    if value.get("result") == "type" and flags in ({"saddr"}, {"daddr"}):
        return Field(lambda segment: _route_type(segment, "saddr" in flags), name_item)
    if value.get("result") in ("oif", "oifname", "check") and {"saddr", "iif"} <= flags <= {
        "saddr",
        "iif",
        "mark",
    }:
        return Field(_reverse_path, number_item({}))
    return _unknown("fib " + " . ".join(sorted(flags)))


def _route_type(segment: Segment, of_source: bool) -> Seen:
    kinds = ("LOCAL", "UNICAST", "BROADCAST", "MULTICAST")
    if segment.picked and (segment.sender == "server") == of_source:
        return "local"
    for kind in kinds:
        if address_type(AddressType(frozenset((kind,)), of_source, False), segment) is True:
            return kind.lower()
    return "unspec"


def _reverse_path(segment: Segment) -> Seen:
    known = segment.packet.reverse_path
    if known is None:
        return Doubt("unknown", "the route back to the client (fib)")
    return int(known)
