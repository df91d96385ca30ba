"""Reads ``ipset save``, and says whether a packet is in a set (ipset(8), the match ``set``)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from sshdoctor.errors import RulesError
from sshdoctor.firewall.iptables import values
from sshdoctor.firewall.kernel.matches import (
    INTERFACE,
    MARK,
    destination,
    is_loopback,
    known_port,
    port_within,
    source,
)
from sshdoctor.firewall.kernel.segment import TCP, Segment
from sshdoctor.firewall.model import Doubt, Truth
from sshdoctor.model import Family

PartTest = Callable[[Segment, bool], Truth]
"""Whether one part of an element is the packet's; the flag says that the source's is meant."""


class Element(NamedTuple):
    """``narrow``: how narrow its networks are, since the narrowest that fits decides; ``nomatch``: it does
    not let the packet be in the set."""

    tests: tuple[PartTest, ...]
    narrow: int
    nomatch: bool


class IpSet(NamedTuple):
    kind: str
    family: Family
    netmask: int | None
    lines: list[str]
    """The elements as they were printed; they are read when a packet asks."""
    changing: bool = False
    """A rule adds to it or takes from it (the target ``SET``), perhaps on this very packet."""


Sets = Mapping[str, IpSet]


def read_sets(text: str) -> dict[str, IpSet]:
    """The sets by name. Raises RulesError, with the number of the line, for text that is no ``ipset save``.

    >>> read_sets("create bans hash:ip family inet hashsize 1024\\nadd bans 203.0.113.7\\n")["bans"].kind
    'hash:ip'
    """
    sets: dict[str, IpSet] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split(maxsplit=2)
        if not words or words[0].startswith("#"):
            continue
        if words[0] == "create" and len(words) == 3:
            sets[words[1]] = _created(words[2])
        elif words[0] == "add" and len(words) == 3 and words[1] in sets:
            sets[words[1]].lines.append(words[2])
        else:
            wanted = "'create SET TYPE' or 'add SET ELEMENT'"
            raise RulesError(f"line {number} of ipset save: expected {wanted}, not {line[:80]!r}")
    return sets


_CHANGED = re.compile(r"--(?:add|del)-set\s+(\S+)")


def with_changing(sets: Sets, dumps: Iterable[str]) -> Sets:
    """``sets``, where those that a rule in one of ``dumps`` changes are marked as such."""
    changed = {name for text in dumps if "-set" in text for name in _CHANGED.findall(text)}
    return {name: each._replace(changing=name in changed) for name, each in sets.items()}


def _created(text: str) -> IpSet:
    kind = text.split()[0]
    netmask = re.search(r" netmask (\d{1,3})\b", text)
    family: Family = "ipv6" if " family inet6" in text else "ipv4"
    return IpSet(kind, family, int(netmask[1]) if netmask else None, [])


def is_member(sets: Sets, asked: tuple[str, tuple[str, ...]], segment: Segment) -> Truth:
    """Whether the packet is in a set. ``asked`` is its name, and for each part ``src`` or ``dst``."""
    name, ends = asked
    ipset = sets.get(name)
    if ipset is None:
        return Doubt("unknown", f"what is in the set {name} (ipset save)")
    if ipset.kind == "list:set":
        members = (line.split()[0] for line in ipset.lines)
        inner = [member for member in members if member in sets and sets[member].kind != "list:set"]
        truths = [is_member(sets, (member, ends), segment) for member in inner]
        return True if True in truths else next((t for t in truths if t is not False), False)
    if ipset.changing:
        return Doubt("depends", f"what the rules themselves have put into the set {name} (SET)")
    try:
        return _fits(ipset, ends, segment)
    except (ValueError, IndexError, KeyError):
        return Doubt("unknown", f"the set {name}, of type {ipset.kind}")


def _fits(ipset: IpSet, ends: tuple[str, ...], segment: Segment) -> Truth:
    if ipset.kind != "bitmap:port" and ipset.family != segment.family:
        return False
    best, doubt = (-1, True), None
    for line in ipset.lines:
        element = _element(ipset, line)
        truth = _all(element, ends, segment)
        if truth is True:
            best = max(best, (element.narrow, not element.nomatch))
        elif isinstance(truth, Doubt):
            doubt = truth
    return doubt or (best[0] >= 0 and best[1])


def _all(element: Element, ends: tuple[str, ...], segment: Segment) -> Truth:
    doubt: Doubt | None = None
    for test, end in zip(element.tests, ends, strict=False):
        truth = test(segment, end == "src")
        if truth is False:
            return False
        if isinstance(truth, Doubt):
            doubt = truth
    return doubt or True


def _element(ipset: IpSet, line: str) -> Element:
    words = line.split()
    kinds = ipset.kind.partition(":")[2].split(",")
    parts = words[0].split(",", len(kinds) - 1)
    narrow, tests = 0, []
    for kind, part in zip(kinds, parts, strict=True):
        if kind in ("ip", "net"):
            width, test = _network(part, ipset)
            narrow += width
            tests.append(test)
        else:
            tests.append(_PARTS[kind](part))
    return Element(tuple(tests), narrow, "nomatch" in words[1:])


def _network(part: str, ipset: IpSet) -> tuple[int, PartTest]:
    if ipset.netmask is not None and "/" not in part:
        part = f"{part}/{ipset.netmask}"
    address, mask = values.network(part, ipset.family)
    networks = ((address, mask),)
    return mask.bit_count(), lambda s, of_source: (source if of_source else destination)(networks, s)


def _port(part: str) -> PartTest:
    protocol, _, port = part.rpartition(":")
    wanted = values.number(port, 65535)
    if protocol not in ("", "tcp"):
        return lambda segment, source: False

    def test(segment: Segment, source: bool) -> Truth:
        port = segment.source_port if source else segment.destination_port
        if segment.protocol != TCP:
            return False
        return port_within(((wanted, wanted),), known_port(port, segment))

    return test


def _interface(part: str) -> PartTest:
    def test(segment: Segment, source: bool) -> Truth:
        name = segment.in_interface if source else segment.out_interface
        if name is None:
            return part == "lo" if is_loopback(segment) or part == "lo" else INTERFACE
        return name == part

    return test


def _mark(part: str) -> PartTest:
    wanted = values.number(part)
    return lambda segment, source: MARK if segment.mark is None else segment.mark == wanted


def _mac(part: str) -> PartTest:
    return lambda segment, source: Doubt("unknown", "the address of the network card")


_PARTS: dict[str, Callable[[str], PartTest]] = {
    "port": _port,
    "iface": _interface,
    "mark": _mark,
    "mac": _mac,
}
