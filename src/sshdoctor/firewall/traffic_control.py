"""What the filters of tc, and queues that pass nothing on, do with a packet.

Sources: tc(8), tc-u32(8), tc-flower(8), tc-matchall(8), tc-bpf(8), tc-mirred(8), tc-blackhole; the kernel's
cls_api.c: filters are asked in the order in which they are listed, the first that fits decides, unless its
action says to go on. A packet that is redirected to another interface is gone. Measured with Linux 6.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Struct

from sshdoctor.firewall.header import TCP, Ends, header, within


class Taken(Struct, frozen=True, kw_only=True):
    """The filter or queue that takes the packet. ``sure``: certainly; ``handle`` is what tc names it by."""

    text: str
    why: str
    sure: bool
    handle: str = ""


class _Filter(NamedTuple):
    kind: str
    protocol: str
    priority: str
    handle: str
    body: str
    text: str
    """As a person sees it."""


def taken(text: str, ends: Ends, dead_classes: frozenset[str] = frozenset()) -> Taken | None:
    """The filter in ``text`` (``tc filter show``) that takes the packet ``ends``; None if none does.

    ``dead_classes`` are those whose queue passes nothing on.
    """
    doubt: Taken | None = None
    for one in _filters(text):
        fits = _fits(one, ends)
        if fits is False:
            continue
        word, why = _action(one, dead_classes)
        if word == "next":
            continue
        if word == "pass" and fits is True:
            break
        if word != "pass":
            sure = fits is True and word == "drop" and doubt is None
            words = ["protocol", one.protocol, "pref", one.priority]
            handle = shlex.join([*words, "handle", one.handle, one.kind] if one.handle else words)
            found = Taken(text=one.text, why=why, sure=sure, handle=handle)
            if sure:
                return found
            doubt = doubt or found
    return doubt


def dead_queues(text: str) -> dict[str, list[str]]:
    """The queues that pass nothing on, by interface, in ``tc qdisc show``: "root", or the class's name.

    >>> dead_queues("qdisc blackhole 8003: dev eth0 parent 1:20 \\nqdisc netem 1: dev v0 root loss 100%")
    {'eth0': ['1:20'], 'v0': ['root']}
    """
    found: dict[str, list[str]] = {}
    for kind, device, place, rest in re.findall(
        r"^qdisc (\S+) \S+ dev (\S+) (root|parent \S+)(.*)$", text, re.M
    ):
        if kind == "blackhole" or re.search(r"\bloss (random )?100%|\blimit 0[pb]?\b", rest):
            found.setdefault(device, []).append(place.removeprefix("parent "))
    return found


def narrow_queues(text: str) -> dict[str, int]:
    """The bytes of a token bucket (tc-tbf(8)) that is smaller than a packet may be, by interface.

    What is larger than the bucket (burst) is dropped, however long it waits (sch_tbf.c).

    >>> narrow_queues("qdisc tbf 8001: dev eth0 root refcnt 2 rate 1Mbit burst 100b lat 50ms")
    {'eth0': 100}
    """
    found = re.findall(r"^qdisc tbf \S+ dev (\S+) root .*?\bburst (\d{1,4})b(?:/\d+)?\b", text, re.M)
    return {device: int(burst) for device, burst in found if int(burst) < _FRAME}


_FRAME = 1514
"""The bytes of a whole frame of Ethernet."""


def _filters(text: str) -> Iterator[_Filter]:
    for block in re.split(r"^(?=filter )", text, flags=re.MULTILINE):
        head, _, body = block.partition("\n")
        found = re.match(
            r"filter (?:parent \S+ )?protocol (\S+) pref (\d+) (\S+)(?: chain \d+)?"
            r"(?: (?:fh|handle) (\S+))?(.*)",
            head,
        )
        if found is None or found[4] is None or " ht divisor " in head:
            continue
        lines = [line.strip() for line in block.splitlines()]
        shown = [line for line in lines if line and not line.startswith(_STATISTICS)]
        yield _Filter(found[3], found[1], found[2], found[4], f"{found[5]}\n{body}", "\n".join(shown))


_STATISTICS = ("index ", "Action statistics", "Sent ", "backlog ", "random type none")


def _fits(one: _Filter, ends: Ends) -> bool | None:
    own = "ip" if ends.family == "ipv4" else "ipv6"
    if one.protocol not in ("all", own):
        return False
    if one.kind == "u32":
        return _u32(one.body, ends)
    if one.kind == "flower":
        return _flower(one.body, ends)
    return True if one.kind in ("matchall", "bpf") else None


def _u32(body: str, ends: Ends) -> bool | None:
    """Each key compares 4 bytes; where they lie after a jump to another table is not modelled."""
    value, known = header(ends)
    fits: bool | None = True
    if re.search(r"\blink\b|\bmark\b", body):
        fits = None
    for wanted, mask, at in re.findall(r"match ([\da-f]{8})/([\da-f]{8}) at (\S+)", body):
        if not re.fullmatch(r"-?\d+", at) or not 0 <= int(at) <= len(value) - 4:
            fits = None
            continue
        there, seen = (int.from_bytes(each[int(at) : int(at) + 4]) for each in (value, known))
        differs = (there ^ int(wanted, 16)) & int(mask, 16)
        if differs & seen:
            return False
        if int(mask, 16) & ~seen:
            fits = None
    return fits


def _flower(body: str, ends: Ends) -> bool | None:
    fits: bool | None = True
    for key, value in re.findall(r"^  (\w+) (\S+)$", body.partition("\taction")[0], re.M):
        truth = _flower_key(key, value, ends)
        if truth is False:
            return False
        fits = None if truth is None else fits
    return fits


def _flower_key(key: str, value: str, ends: Ends) -> bool | None:
    if key in ("src_ip", "dst_ip"):
        return within(ends.source if key == "src_ip" else ends.destination, value)
    if key in ("src_port", "dst_port"):
        port = ends.source_port if key == "src_port" else ends.destination_port
        return port == int(value) if port is not None and value.isdecimal() else None
    if key == "ip_proto":
        return value in ("tcp", str(TCP))
    if key == "eth_type":
        return value == ends.family
    return None


def _action(one: _Filter, dead_classes: frozenset[str]) -> tuple[str, str]:
    """ "drop", "pass", "next" (filter) or "perhaps", and why."""
    if one.kind == "bpf":
        return _program(one.body)
    actions = re.split(r"^\taction order ", one.body, flags=re.MULTILINE)[1:]
    for action in actions:
        if (redirected := re.search(r"mirred \((\w+) Redirect to device (\S+)\)", action)) is not None:
            return "drop", f"it sends the packet to {redirected[2]}"
        if re.match(r"\d+: gact action (drop|trap)", action):
            return "drop", "it drops the packet"
        if re.match(r"\d+: police\b", action):
            return "perhaps", "it limits how much comes through"
        if re.match(r"\d+: gact action pass", action):
            return "pass", ""
        if re.match(r"\d+: gact action (continue|reclassify)", action) or " continue" in action:
            return "next", ""
        if not re.match(
            r"\d+: (mirred|csum|skbedit|pedit|vlan|connmark|ctinfo|sample|simple|gact)\b", action
        ):
            return "perhaps", "what its action does is not known here"
    flow = re.search(r"flowid (\S+)", one.body)
    if flow and flow[1].lstrip("*") in dead_classes:
        return "drop", f"it puts the packet into the class {flow[1]}, whose queue passes nothing on"
    return "pass", ""


def _program(body: str) -> tuple[str, str]:
    """A program of BPF is not run here; one that is a single "return" needs not be."""
    constant = re.search(r"(?m)^(?>.*?direct-action).* bytecode '1,6 0 0 (\d+)'", body)
    if constant:
        verdict = int(constant[1])
        return (
            ("drop", "it drops every packet")
            if verdict == 2
            else ("pass" if verdict in (0, 1) else "next", "")
        )
    return "perhaps", "a program of BPF decides, which only its maker can tell about"
