"""nft's header fields: what stands in the packet itself.

Sources: nft(8), libnftables-json(5); the kernel's nft_payload.c and nft_exthdr.c.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sshdoctor.firewall.iptables.header_extensions import OPTIONS, SERVICE
from sshdoctor.firewall.iptables.service_types import DSCP, ECN
from sshdoctor.firewall.kernel.matches import PICKED, known_port
from sshdoctor.firewall.kernel.segment import RST, SYN, TCP, Segment
from sshdoctor.firewall.kernel.spans import Span, header_length, hops, length
from sshdoctor.firewall.kernel.surroundings import CARD
from sshdoctor.firewall.model import Doubt
from sshdoctor.firewall.nft import names as nft_names
from sshdoctor.firewall.nft.field import Field, no_item, nothing, unknown
from sshdoctor.firewall.nft.values import Seen, address_item, number_item, port_item
from sshdoctor.model import Family


def payload_field(protocol: str, name: str, family: Family) -> Field:
    ours = "ip" if family == "ipv4" else "ip6"
    if protocol == ours and name in ("saddr", "daddr"):
        return Field(_source if name == "saddr" else _destination, address_item(family))
    if protocol == ours and name in ("protocol", "nexthdr"):
        return Field(lambda segment: segment.protocol, number_item(nft_names.PROTOCOLS))
    if protocol in ("ip", "ip6"):
        return nothing() if protocol != ours else _ip(protocol, name)
    if protocol in ("tcp", "th") and name in ("sport", "dport"):
        read = _source_port if name == "sport" else _destination_port
        return Field(_only_tcp(read, protocol), port_item)
    if protocol == "tcp" and name == "flags":
        return Field(_tcp_flags, number_item(nft_names.TCP_FLAGS), bits=True)
    if protocol in ("icmp", "icmpv6") and name in ("type", "code"):
        return _icmp(protocol, name, family)
    if protocol == "tcp" and name == "doff":
        return Field(lambda segment: _DATA_OFFSET if segment.protocol == TCP else None, number_item({}))
    if protocol in ("tcp", "th"):
        doubt = Doubt("depends", f"the packet's {protocol} {name}")
        return Field(_only_tcp(lambda segment: doubt, protocol), no_item)
    if protocol == "ether":
        return _ether(name)
    return unknown("the VLAN that the packet came by") if protocol == "vlan" else nothing()


_RAW: dict[tuple[Family | None, str, int, int], tuple[str, str]] = {
    ("ipv4", "nh", 0, 4): ("ip", "version"),
    ("ipv4", "nh", 64, 8): ("ip", "ttl"),
    ("ipv4", "nh", 72, 8): ("ip", "protocol"),
    ("ipv4", "nh", 96, 32): ("ip", "saddr"),
    ("ipv4", "nh", 128, 32): ("ip", "daddr"),
    ("ipv6", "nh", 0, 4): ("ip6", "version"),
    ("ipv6", "nh", 48, 8): ("ip6", "nexthdr"),
    ("ipv6", "nh", 56, 8): ("ip6", "hoplimit"),
    ("ipv6", "nh", 64, 128): ("ip6", "saddr"),
    ("ipv6", "nh", 192, 128): ("ip6", "daddr"),
    (None, "th", 0, 16): ("th", "sport"),
    (None, "th", 16, 16): ("th", "dport"),
    (None, "ll", 96, 16): ("ether", "type"),
}


def raw_field(value: dict[str, Any], family: Family) -> Field:
    """``@nh,96,32``: bits by their place, where a field of the packet stands there."""
    place = (value["base"], value["offset"], value["len"])
    named = _RAW.get((family, *place)) or _RAW.get((None, *place))
    if named is None:
        return unknown("the bytes of the packet", depends=True)
    return payload_field(*named, family)._replace(item=number_item({}))


def _ether(name: str) -> Field:
    if name == "type":
        return Field(_ether_type, number_item(nft_names.ETHER_TYPES))
    if name not in ("saddr", "daddr"):
        return unknown(f"ether {name}")
    return Field(lambda segment: None if _is_without_card(segment) else CARD, no_item)


def _ether_type(segment: Segment) -> Seen:
    """Measured: in a chain of postrouting there is no such header yet; in one of egress, which the model
    calls so too, there is."""
    if _is_without_card(segment):
        return None
    if segment.hook == "postrouting":
        return Doubt("unknown", "whether the packet has its Ethernet header yet")
    return 0x0800 if segment.family == "ipv4" else 0x86DD


def _is_without_card(segment: Segment) -> bool:
    """Before it leaves, a packet has no Ethernet header; on ``lo`` nft asks for none."""
    return segment.in_interface == "lo" or segment.hook == "output"


def _ip(protocol: str, name: str) -> Field:
    fields = {
        "ttl": Field(hops, number_item({})),
        "hoplimit": Field(hops, number_item({})),
        "dscp": Field(lambda segment: _service(segment, 0xFC), number_item(DSCP)),
        "ecn": Field(lambda segment: _service(segment, 0x03), number_item(ECN)),
        "length": Field(_length, number_item({})),
        "version": Field(lambda segment: 4 if segment.family == "ipv4" else 6, number_item({})),
        "hdrlength": Field(lambda segment: _HEADER, number_item({})),
    }
    return fields.get(name) or unknown(f"the packet's {protocol} {name}", depends=True)


_DATA_OFFSET = Span(5, 15, Doubt("depends", "the packet's TCP options"))
_HEADER = Span(5, 15, Doubt("depends", "the packet's IP options"))


def _service(segment: Segment, mask: int) -> Seen:
    seen, known = segment.tos
    if mask & ~known:
        return SERVICE
    return seen >> 2 if mask == 0xFC else seen & mask


def _length(segment: Segment) -> Seen:
    """IPv6 counts what follows its header."""
    low, high, doubt = length(segment)
    less = header_length(segment) if segment.family == "ipv6" else 0
    return Span(low - less, min(high, 65535) - less, doubt)


def option_field(kind: str, value: dict[str, Any], family: Family) -> Field:
    """A TCP or IP option or an extension header; without a field of it, whether it is there."""
    present = 0 if "field" not in value and "base" not in value else None
    size = value.get("name") == "maxseg"

    def read(segment: Segment) -> Seen:
        if kind == "exthdr":
            return present if family == "ipv6" else None
        if kind == "ip option":
            return _IP_OPTIONS if family == "ipv4" else None
        if segment.protocol != TCP:
            return present  # nft asks for no protocol here: an ICMP packet has no such option
        if segment.flags & RST or (size and not segment.flags & SYN):
            return present
        return OPTIONS

    return Field(read, no_item if present is None and kind != "tcp option" else number_item({}))


_IP_OPTIONS = Doubt("depends", "the packet's IP options")


def _only_tcp(read: Callable[[Segment], Seen], protocol: str) -> Callable[[Segment], Seen]:
    other = None if protocol == "tcp" else Doubt("unknown", "the first bytes of an ICMP packet")
    return lambda segment: read(segment) if segment.protocol == TCP else other


def _source(segment: Segment) -> Seen:
    return PICKED if _is_picked(segment, "server") else segment.source


def _destination(segment: Segment) -> Seen:
    return PICKED if _is_picked(segment, "client") else segment.destination


def _is_picked(segment: Segment, sender: str) -> bool:
    is_sure = len(segment.own) == 1 and segment.packet.local_addresses
    return segment.picked and segment.sender == sender and not is_sure


def _source_port(segment: Segment) -> Seen:
    return known_port(segment.source_port, segment)


def _destination_port(segment: Segment) -> Seen:
    return known_port(segment.destination_port, segment)


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
