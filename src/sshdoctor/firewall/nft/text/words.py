"""The words of nft's expressions: protocols and their fields, keys of meta, ct and others (nft(8))."""

from __future__ import annotations

_PORTS = ("sport", "dport")
FIELDS: dict[str, tuple[str, ...]] = {
    "ether": ("saddr", "daddr", "type"),
    "vlan": ("id", "dei", "cfi", "pcp", "type"),
    "arp": ("htype", "ptype", "hlen", "plen", "operation", "saddr", "daddr"),
    "ip": ("version", "hdrlength", "dscp", "ecn", "length", "id", "frag-off", "ttl", "protocol", "checksum",
           "saddr", "daddr", "tos"),
    "icmp": ("type", "code", "checksum", "id", "sequence", "gateway", "mtu"),
    "igmp": ("type", "mrt", "checksum", "group"),
    "ip6": ("version", "dscp", "ecn", "flowlabel", "length", "nexthdr", "hoplimit", "saddr", "daddr",
            "priority"),
    "icmpv6": ("type", "code", "checksum", "parameter-problem", "packet-too-big", "id", "sequence",
               "max-delay", "taddr", "daddr", "mtu"),
    "tcp": (*_PORTS, "sequence", "ackseq", "doff", "reserved", "flags", "window", "checksum", "urgptr"),
    "udp": (*_PORTS, "length", "checksum"),
    "udplite": (*_PORTS, "checksum", "csumcov"),
    "sctp": (*_PORTS, "vtag", "checksum"),
    "dccp": (*_PORTS, "type"),
    "th": _PORTS,
    "ah": ("nexthdr", "hdrlength", "reserved", "spi", "sequence"),
    "esp": ("spi", "sequence"),
    "comp": ("nexthdr", "flags", "cpi"),
    "gre": ("flags", "version", "protocol"),
    "gretap": ("flags", "version", "protocol"),
    "vxlan": ("vni", "flags"),
    "geneve": ("vni", "type"),
}  # fmt: skip
HEADERS: dict[str, tuple[str, ...]] = {
    "hbh": ("nexthdr", "hdrlength"),
    "rt": ("nexthdr", "hdrlength", "type", "seg-left"),
    "rt0": (), "rt2": (),
    "srh": ("last-entry", "flags", "tag"),
    "frag": ("nexthdr", "frag-off", "more-fragments", "id", "reserved", "reserved2"),
    "dst": ("nexthdr", "hdrlength"),
    "mh": ("nexthdr", "hdrlength", "type", "checksum", "reserved"),
}  # fmt: skip
"""IPv6 extension headers; rt0, rt2 and srh have numbered fields too."""
BARE_META = frozenset(
    ("iif", "iifname", "iiftype", "iifgroup", "iifkind", "oif", "oifname", "oiftype", "oifgroup", "oifkind",
     "skuid", "skgid", "nftrace", "rtclassid", "ibriport", "obriport", "ibridgename", "obridgename",
     "ibrname", "obrname", "pkttype", "cpu", "cgroup", "mark", "secmark")
)  # fmt: skip
"""Keys of meta that stand without the word ``meta`` as well."""
META = BARE_META | frozenset(
    ("length", "nfproto", "l4proto", "protocol", "priority", "random", "ipsec", "secpath", "time", "day",
     "hour", "sdif", "sdifname", "ibrvproto", "ibrpvid", "broute", "xt")
)  # fmt: skip
META_NAMES = {"secpath": "ipsec", "ibriport": "ibrname", "obriport": "obrname"}
CT = frozenset(
    ("state", "direction", "status", "mark", "expiration", "helper", "label", "l3proto", "saddr", "daddr",
     "protocol", "proto-src", "proto-dst", "packets", "bytes", "avgpkt", "zone", "count", "id", "event",
     "secmark", "timeout", "expectation")
)  # fmt: skip
SOCKET = frozenset(("transparent", "mark", "wildcard", "cgroupv2"))
RT = frozenset(("classid", "nexthop", "mtu", "tcpmss", "ipsec"))
FIB = frozenset(("saddr", "daddr", "mark", "iif", "oif"))
TCP_OPTIONS = {"sack-permitted": "sack-perm", "eool": "eol", "noop": "nop"}
TCP_OPTION_FIELDS = frozenset(
    ("kind", "length", "size", "count", "left", "right", "tsval", "tsecr", "subtype")
)
IP_OPTION_FIELDS = frozenset(("type", "length", "ptr", "addr", "value"))
SYMBOLS = {
    "eq": "==", "ne": "!=", "neq": "!=", "lt": "<", "gt": ">", "le": "<=", "lte": "<=", "ge": ">=",
    "gte": ">=",
    "and": "&", "or": "|", "xor": "^", "lshift": "<<", "rshift": ">>",
}  # fmt: skip
BITS = (
    {"payload": {"protocol": "tcp", "field": "flags"}},
    {"ct": {"key": "state"}}, {"ct": {"key": "status"}}, {"ct": {"key": "label"}}, {"ct": {"key": "event"}},
)  # fmt: skip
"""Fields of flags: a value beside one asks whether one of its bits is set."""
