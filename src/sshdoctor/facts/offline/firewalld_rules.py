"""What firewalld's services, ports and rich rules are as rules of nft, as far as they match TCP.

Sources: firewalld.service(5), firewalld.richlanguage(5); measured on firewalld 1.3.3.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_network
from typing import Literal
from xml.etree.ElementTree import Element

from msgspec import Struct

from sshdoctor.facts.offline.firewalld_xml import ACTIONS, MAC, MATCHES, NotReadError

Services = Callable[[str], Element]
"""The root of a service's file, by its name."""

Suffix = Literal["pre", "deny", "allow", "post"]

_NO_TCP = ("icmp-block", "icmp-type", "masquerade", "tcp-mss-clamp")
"""What a rich rule may be about that decides no connection to the host."""
_IP = {"ipv4": "ip", "ipv6": "ip6"}
_ICMP = {"ipv4": "icmp", "ipv6": "icmpv6"}
_UNITS = {"s": "second", "m": "minute", "h": "hour", "d": "day"}
_REJECTS: Mapping[str, Mapping[str, str]] = {
    "ipv4": {
        **dict.fromkeys(("icmp-host-prohibited", "host-prohib"), "icmp host-prohibited"),
        **dict.fromkeys(("icmp-net-prohibited", "net-prohib"), "icmp net-prohibited"),
        **dict.fromkeys(("icmp-admin-prohibited", "admin-prohib"), "icmp admin-prohibited"),
        **dict.fromkeys(("icmp-net-unreachable", "net-unreach"), "icmp net-unreachable"),
        **dict.fromkeys(("icmp-host-unreachable", "host-unreach"), "icmp host-unreachable"),
        **dict.fromkeys(("icmp-proto-unreachable", "proto-unreach"), "icmp prot-unreachable"),
        "icmp-port-unreachable": "icmp port-unreachable",
        "port-unreach": "icmpx port-unreachable",
        **dict.fromkeys(("tcp-reset", "tcp-rst"), "tcp reset"),
    },
    "ipv6": {
        **dict.fromkeys(("icmp6-adm-prohibited", "adm-prohibited"), "icmpv6 admin-prohibited"),
        **dict.fromkeys(("icmp6-addr-unreachable", "addr-unreach"), "icmpv6 addr-unreachable"),
        **dict.fromkeys(("icmp6-no-route", "no-route"), "icmpv6 no-route"),
        "icmp6-port-unreachable": "icmpv6 port-unreachable",
        "port-unreach": "icmpx port-unreachable",
        "tcp-reset": "tcp reset",
    },
}
"""nft's words for the types of a reject, of which each family has its own (core/base.py, nftables.py)."""


class ZoneRule(Struct, frozen=True):
    """One rule of a zone's chain ``filter_IN_<zone>_<suffix>``; those of a lower ``priority`` come first."""

    suffix: Suffix
    priority: int
    text: str


def zone_rules(zone: Element, services: Services) -> Iterator[ZoneRule]:
    """A zone's rules in the order that firewalld gives them: services, ports, rich rules, protocols."""
    for tag in ("service", "port", "rule", "protocol"):
        for part in zone.findall(tag):
            if tag == "rule":
                yield from _rich(part, services)
            else:
                yield from (ZoneRule("allow", 0, f"{match} accept") for match in _matches(part, services))
    refuse_others(zone)


def refuse_others(part: Element) -> None:
    """NotReadError where TCP is accepted by its source port, or sent on to another port or machine."""
    for tag, what in (("source-port", "source ports"), ("forward-port", "forwarded ports")):
        if any(each.get("protocol") == "tcp" for each in part.findall(tag)):
            raise NotReadError(f"{what} are not read from a disk")


def network(text: str) -> tuple[str, str]:
    """The family and the network of an address, as nft prints it.

    >>> network("192.0.2.7/255.255.255.0"), network("2001:DB8::1")
    (('ipv4', '192.0.2.0/24'), ('ipv6', '2001:db8::1'))
    """
    found = ip_network(text, strict=False)
    shown = str(found.network_address) if found.prefixlen == found.max_prefixlen else str(found)
    return f"ipv{found.version}", shown


def address_match(end: str, text: str, *, invert: bool = False) -> str:
    """
    >>> address_match("saddr", "2001:db8::/32", invert=True)
    'ip6 saddr != 2001:db8::/32'
    """
    family, shown = network(text)
    return f"{_IP[family]} {end} {'!= ' if invert else ''}{shown}"


def _matches(part: Element, services: Services, family: str = "") -> Iterator[str]:
    """What a service, port or protocol matches of TCP."""
    if part.tag == "service":
        yield from _service(part.get("name", ""), services, family, set())
    elif part.tag == "port" and part.get("protocol") == "tcp" and part.get("port"):
        yield f"tcp dport {part.get('port')}"
    elif part.tag == "protocol" and part.get("value", "").lower() in ("tcp", "6"):
        yield "meta l4proto tcp"


def _service(name: str, services: Services, family: str, seen: set[str]) -> Iterator[str]:
    """Those that it includes come before its own."""
    seen.add(name)
    root = services(name)
    refuse_others(root)
    for each in root.findall("include"):
        if (included := each.get("service", "")) not in seen:
            yield from _service(included, services, family, seen)
    there = root.findall("destination")
    ends = [each.get(one) for each in there for one in ("ipv4", "ipv6") if family in ("", one)]
    for end in [end for end in ends if end] if there else [""]:
        to = f"{address_match('daddr', end)} " if end else ""
        for part in (*root.findall("port"), *root.findall("protocol")):
            yield from (f"{to}{match}" for match in _matches(part, services))


def _rich(rule: Element, services: Services) -> Iterator[ZoneRule]:
    """Nothing for a rule that matches no TCP, or that only logs."""
    refuse_others(rule)
    family, priority = rule.get("family", ""), int(rule.get("priority", "0"))
    actions, about = ([part for part in rule if part.tag in tags] for tags in (ACTIONS, MATCHES))
    if max(len(actions), len(about)) > 1 or any(part.tag == "mark" for part in actions):
        raise _not_understood()
    if not actions or any(part.tag in _NO_TCP for part in about):
        return
    ends = [
        match for tag, end in (("destination", "daddr"), ("source", "saddr"))
        for match in _end(rule.findall(tag), end, family)
    ]  # fmt: skip
    if not about and not ends and not priority:
        raise _not_understood()  # firewalld takes no such rule
    if any(_has_destination(part, services) for part in about) and rule.find("destination") is not None:
        raise _not_understood()
    words = ends or ([f"meta nfproto {family}"] if family else [])
    for match in _matches(about[0], services, family) if about else [""]:
        text = " ".join([*filter(None, [*words, match]), *_action(actions[0], family)])
        yield ZoneRule(_suffix(actions[0].tag, priority), priority, text)


def _has_destination(part: Element, services: Services) -> bool:
    return part.tag == "service" and services(part.get("name", "")).find("destination") is not None


def _end(parts: list[Element], end: str, family: str) -> Iterator[str]:
    """firewalld ignores a rule with an address and no family, or with another one's."""
    if len(parts) > 1:
        raise _not_understood()
    for part in parts:
        text = part.get("address", "")
        if part.get("ipset") or part.get("mac"):
            raise NotReadError("sets and hardware addresses are not read from a disk")
        if not text or MAC.fullmatch(text) or network(text)[0] != family:
            raise _not_understood()
        yield address_match(end, text, invert=part.get("invert", "").lower() in ("yes", "true"))


def _suffix(action: str, priority: int) -> Suffix:
    if priority:
        return "pre" if priority < 0 else "post"
    return "allow" if action == "accept" else "deny"


def _action(part: Element, family: str) -> Iterator[str]:
    for limit in part.findall("limit"):
        found = re.fullmatch(r"(\d{1,9})/(s|m|h|d|second|minute|hour|day)", limit.get("value", ""), re.ASCII)
        if found is None:
            raise _not_understood()
        yield f"limit rate {found[1]}/{_UNITS[found[2][0]]}"
    if part.tag != "reject":
        yield part.tag
    elif not part.get("type"):
        yield f"reject with {_ICMP[family]} port-unreachable" if family else "reject"
    elif (words := _REJECTS.get(family, {}).get(part.get("type", ""))) is not None:
        yield f"reject with {words}"
    else:
        raise _not_understood()


def _not_understood() -> NotReadError:
    return NotReadError("a rich rule is not understood")
