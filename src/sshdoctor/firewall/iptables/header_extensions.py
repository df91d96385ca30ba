"""iptables' matches on what stands in a packet's headers and data: tos, dscp, ttl, length, string and others.

Sources: iptables-extensions(8); the kernel's xt_dscp.c, xt_hl.c, xt_length.c, xt_string.c, xt_tcpmss.c,
xt_ecn.c, ip6t_ipv6header.c.
"""

from __future__ import annotations

from sshdoctor.firewall.iptables import values
from sshdoctor.firewall.iptables.option import Maker, Option, Options, depends, named, unknown
from sshdoctor.firewall.iptables.service_types import DSCP, TOS
from sshdoctor.firewall.kernel import matches as judge
from sshdoctor.firewall.kernel.contents import Pattern, hex_text, holds_text
from sshdoctor.firewall.kernel.segment import ACK, RST, SYN, TCP, Segment
from sshdoctor.firewall.kernel.spans import hops, length, span_within
from sshdoctor.firewall.model import Doubt, Match, Truth
from sshdoctor.model import Family

SERVICE = Doubt("depends", "the type of service that the packet asks for (TOS, DSCP)")
OPTIONS = Doubt("depends", "the TCP options that the client and the host use")


def service_bits(value_and_mask: tuple[int, int], segment: Segment) -> Truth:
    """Whether the byte of DSCP and ECN has this value in these bits."""
    value, mask = value_and_mask
    seen, known = segment.tos
    if (seen ^ value) & known & mask or value & ~mask:
        return False
    return True if mask & ~known == 0 else SERVICE


def read_tos(text: str) -> tuple[int, int]:
    """Value and mask; a name stands for the four bits of RFC 1349 (libxt_tos.c).

    >>> read_tos("0x10/0xff"), read_tos("Minimize-Delay")
    ((16, 255), (16, 63))
    """
    if text.lower() in TOS:
        return TOS[text.lower()], 0x3F
    value, slash, mask = text.partition("/")
    return values.number(value, 255), values.number(mask, 255) if slash else 255


def read_dscp(option: Option) -> int:
    """The six bits, as a number or by the name of their class."""
    if option.name.endswith("-class"):
        return DSCP[option.value.lower()]
    return values.number(option.value, 63)


def _tos(options: Options, family: Family) -> list[Match]:
    return [Match(service_bits, read_tos(option.value), option.negated) for option in options]


def _dscp(options: Options, family: Family) -> list[Match]:
    return [Match(service_bits, (read_dscp(option) << 2, 0xFC), option.negated) for option in options]


def _hops_within(limits: tuple[int, int], segment: Segment) -> Truth:
    return span_within((limits,), hops(segment))


def _hops(options: Options, family: Family) -> list[Match]:
    found = []
    for option in options:
        number = values.number(option.value, 255)
        limits = {"eq": (number, number), "lt": (0, number - 1), "gt": (number + 1, 255)}
        found.append(Match(_hops_within, limits[option.name[-2:]], option.negated))
    return found


def _length_within(limits: tuple[int, int], segment: Segment) -> Truth:
    low, high = limits
    return span_within(((low, 2**32 if high == 65535 else high),), length(segment))


def _length(options: Options, family: Family) -> list[Match]:
    [option] = options
    return [Match(_length_within, values.ports(option.value)[0], option.negated)]


def _string(options: Options, family: Family) -> list[Match]:
    option = named(options, "--string") or named(options, "--hex-string")
    if option is None:
        raise ValueError("string")
    text = hex_text(option.value) if option.name == "--hex-string" else option.value.encode()
    low, high = (named(options, name) for name in ("--from", "--to"))
    return [
        Match(
            holds_text,
            Pattern(
                text,
                values.number(low.value, 65535) if low else 0,
                values.number(high.value, 65535) if high else 65535,
                named(options, "--icase") is not None,
            ),
            option.negated,
        )
    ]


def tcp_option(_: object, segment: Segment) -> Truth:
    """A REJECT's RST has no options."""
    return OPTIONS if segment.protocol == TCP and not segment.flags & RST else False


def _segment_size(_: object, segment: Segment) -> Truth:
    """The option stands in SYN and SYN-ACK alone."""
    return OPTIONS if segment.protocol == TCP and segment.flags & SYN else False


def _tcpmss(options: Options, family: Family) -> list[Match]:
    return [Match(_segment_size, None, option.negated) for option in options]


def _fingerprint(_: object, segment: Segment) -> Truth:
    """xt_osf looks at SYNs alone; for others it fails, negated or not."""
    first = segment.flags & (SYN | ACK) == SYN and segment.protocol == TCP
    return Doubt("depends", "the client's operating system (osf)") if first else False


def _osf(options: Options, family: Family) -> list[Match]:
    return [Match(_fingerprint, None)]


def _ipv6header(options: Options, family: Family) -> list[Match]:
    """Our packets have no extension headers: what stands in them is TCP or ICMPv6, which is ``prot``."""
    option = named(options, "--header")
    if option is None:
        return [unknown("the option --header")]
    headers = set(option.value.lower().split(","))
    protocol = headers & {"prot", "protocol", "255"}
    if named(options, "--soft"):
        return [Match(judge.always, bool(protocol) is not option.negated)]
    return [Match(judge.always, bool(protocol) and headers == protocol, option.negated)]


def _absent(options: Options, family: Family) -> list[Match]:
    """Headers that our packets do not have: the match fails, negated or not (ip6t_rt.c and the others)."""
    return [Match(judge.always, False)]


HEADER_EXTENSIONS: dict[str, Maker] = {
    **dict.fromkeys(
        ("esp", "ah", "ipcomp", "sctp", "dccp", "l2tp", "rt", "frag", "hbh", "dst", "mh", "srh"), _absent
    ),
    "tos": _tos,
    "dscp": _dscp,
    "ttl": _hops,
    "hl": _hops,
    "length": _length,
    "string": _string,
    "tcpmss": _tcpmss,
    "osf": _osf,
    "ipv6header": _ipv6header,
    "ecn": depends("the packet's ECN bits (ecn)"),
    "u32": depends("the bytes of the packet (u32)"),
    "bpf": depends("the bytes of the packet (bpf)"),
}
