"""What rules write into a packet's headers: TOS and DSCP, TTL and hop limit.

Sources: iptables-extensions(8); the kernel's xt_DSCP.c and xt_HL.c.
"""

from __future__ import annotations

from functools import partial

from msgspec.structs import replace

from sshdoctor.firewall.iptables import values
from sshdoctor.firewall.iptables.header_extensions import read_dscp, read_tos
from sshdoctor.firewall.iptables.option import Option
from sshdoctor.firewall.kernel.segment import Segment
from sshdoctor.firewall.kernel.spans import FAR
from sshdoctor.firewall.model import Body, Doubt, Match, Target, Truth
from sshdoctor.model import Family

_COMMON = 64
"""The TTL that Linux sends with (ip-sysctl, ip_default_ttl)."""
_TOO_FAR = Doubt("depends", "how many hops away the client is")


def write_service(clear: int, flip: int, segment: Segment) -> Segment:
    """Clears the bits of one mask in the byte of DSCP and ECN, then flips those of another."""
    seen, known = segment.tos
    known |= clear
    return replace(segment, tos=((seen & ~clear ^ flip) & known, known))


def write_hops(number: int | None, segment: Segment) -> Segment:
    return replace(segment, hops=number)


def set_tos(options: list[Option], family: Family) -> Target:
    option = options[0]
    if option.name == "--set-tos":
        flip, clear = read_tos(option.value)
    else:
        number = values.number(option.value, 255)
        clear, flip = {
            "--and-tos": (255 & ~number, 0),
            "--or-tos": (number, number),
            "--xor-tos": (0, number),
        }[option.name]
    return Target("change", partial(write_service, clear, flip))


def set_dscp(options: list[Option], family: Family) -> Target:
    return Target("change", partial(write_service, 0xFC, read_dscp(options[0]) << 2))


def set_hops(options: list[Option], family: Family) -> Target:
    option = options[0]
    number = values.number(option.value, 255)
    way = option.name[-3:]
    return hops_target(number if way == "set" else None, {"dec": -number, "inc": number}.get(way, 0))


def hops_target(number: int | None, step: int = 0) -> Target:
    """Sets the hops that are left, or changes them by ``step``. Too few do not reach a client far away."""
    runs_out = Body((Match(run_out, step),), Target("drop"))
    return Target("sequence", (partial(_step, number, step), runs_out))


def _step(number: int | None, step: int, segment: Segment) -> Segment:
    if number is None and segment.hops is not None:
        number = min(255, max(0, segment.hops + step))
    return write_hops(number, segment)


def run_out(step: int, segment: Segment) -> Truth:
    """Whether a packet on its way out, with this much added to its TTL, may not reach the client."""
    if segment.hook not in ("output", "postrouting") or segment.out_interface == "lo":
        return False
    left = _COMMON + step if segment.hops is None else segment.hops
    return _TOO_FAR if left < FAR else False
