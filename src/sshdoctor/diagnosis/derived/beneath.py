"""The fact ``beneath``: what stops the client where no packet filter's rule stands."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Struct

from sshdoctor.diagnosis.derived.dialled import Dialled
from sshdoctor.facts.host.addresses import Addresses
from sshdoctor.facts.host.below import Below
from sshdoctor.facts.host.links import Links
from sshdoctor.facts.parsing.unit_network import UnitNetwork
from sshdoctor.model import Command, Evidence, Unknown


class Beneath(Struct, frozen=True, kw_only=True):
    """``state``: "clear"; "stops" (a model of it says so), "narrows" (it lets small packets through, such as
    those of a handshake of TCP), "may" (something is there whose doings cannot be
    told, such as a program of BPF). ``what`` names it, ``why`` says what it does, ``fix`` takes it away.
    ``way``: "in" or "out". ``counted``: it has dropped packets."""

    state: str | Unknown
    what: str
    why: str
    fix: Command
    way: str
    counted: bool
    evidence: tuple[Evidence, ...]


class _Found(NamedTuple):
    what: str
    why: str
    fix: str
    way: str
    sure: bool
    evidence: tuple[Evidence, ...]
    counted: bool = False
    narrow: bool = False


def beneath(
    dial: Dialled,
    client: str | None,
    below: Below | Unknown,
    links: Links | Unknown,
    units: UnitNetwork | Unknown,
    addresses: Addresses | Unknown,
) -> Beneath | Unknown:
    """The fact for the client at ``client``, as the host sees it."""
    if isinstance(below, Unknown):
        return below
    if client is None:
        return Unknown("the client's address is not known")
    if isinstance(dial.arrives_at, Unknown):
        return dial.arrives_at
    found = list(_found(dial, client, dial.arrives_at, below, links, units, addresses))
    best = next((one for one in found if one.sure), found[0] if found else None)
    unseen = [each for each in (below.policies, below.queues, links) if isinstance(each, Unknown)]
    if best is None:
        return Beneath(
            state=unseen[0] if unseen else "clear",
            what="",
            why="",
            fix=Command(""),
            way="",
            counted=False,
            evidence=(),
        )
    return Beneath(
        state="narrows" if best.narrow else "stops" if best.sure else "may",
        what=best.what,
        why=best.why,
        fix=Command(best.fix),
        way=best.way,
        counted=best.counted,
        evidence=best.evidence,
    )


def _found(
    dial: Dialled,
    client: str,
    host: str,
    below: Below,
    links: Links | Unknown,
    units: UnitNetwork | Unknown,
    addresses: Addresses | Unknown,
) -> Iterator[_Found]:
    interfaces = _interfaces(addresses)
    yield from _programs(links, interfaces)
    yield from _filters(dial, client, host, below, interfaces)
    yield from _policies(dial, client, host, below)
    if not isinstance(units, Unknown):
        yield from _units(client, units)


def _interfaces(addresses: Addresses | Unknown) -> tuple[str, ...]:
    """Where the client's packets come in, and where the answers leave."""
    if isinstance(addresses, Unknown):
        return ()
    names = (addresses.dialled_interface or "", addresses.return_interface)
    return tuple(dict.fromkeys(name for name in names if name))


def _programs(links: Links | Unknown, interfaces: tuple[str, ...]) -> Iterator[_Found]:
    for link in () if isinstance(links, Unknown) else links.all:
        if link.xdp and (link.name in interfaces or link.bridged):
            yield _Found(
                what=f"a program of XDP at {link.name} ({link.xdp})",
                why="what it does with a packet only its maker can tell",
                fix=f"ip link set dev {shlex.quote(link.name)} xdp off (bpftool net tells more about it)",
                way="in",
                sure=False,
                evidence=(Evidence("ip link", f"{link.text} {link.xdp}"),),
            )


def _filters(
    dial: Dialled, client: str, host: str, below: Below, interfaces: tuple[str, ...]
) -> Iterator[_Found]:
    from sshdoctor.firewall.header import opening
    from sshdoctor.firewall.traffic_control import dead_queues, narrow_queues, taken

    syn, answer = opening("ipv6" if ":" in client else "ipv4", client, host, dial.inside_port)
    dead = {} if isinstance(below.queues, Unknown) else dead_queues(below.queues)
    for device in interfaces:
        if "root" in dead.get(device, ()):
            shown = [line for line in str(below.queues).splitlines() if f" dev {device} root" in line]
            yield _Found(
                what=f"the queue of {device}",
                why="it passes nothing on",
                fix=f"tc qdisc del dev {shlex.quote(device)} root",
                way="out",
                sure=True,
                evidence=(Evidence(f"tc qdisc show dev {device}", "\n".join(shown)),),
            )
    for device, burst in ({} if isinstance(below.queues, Unknown) else narrow_queues(below.queues)).items():
        if device in interfaces:
            shown = [line for line in str(below.queues).splitlines() if f" dev {device} root" in line]
            yield _Found(
                what=f"the shaper tbf of {device}",
                why=f"it drops every packet of more than {burst} bytes (its burst), however long that waits",
                fix=f"tc qdisc del dev {shlex.quote(device)} root (or a burst of some thousand bytes)",
                way="out",
                sure=burst < _SYN,
                evidence=(Evidence(f"tc qdisc show dev {device}", "\n".join(shown)),),
                narrow=burst >= _SYN,
            )
    for one in below.filters:
        if one.interface not in interfaces:
            continue
        inward = one.hook == "ingress"
        hit = taken(one.text, syn if inward else answer, frozenset(dead.get(one.interface, ())))
        if hit is None:
            continue
        place = one.hook if one.hook != "root" else _parent(hit.text)
        yield _Found(
            what=f"a filter of tc at {one.interface} {one.hook}",
            why=hit.why,
            fix=f"tc filter del dev {shlex.quote(one.interface)} {place} {hit.handle}",
            way="in" if inward else "out",
            sure=hit.sure,
            evidence=(
                Evidence(f"tc filter show dev {one.interface} {one.hook}".removesuffix(" root"), hit.text),
            ),
            counted=below.dropped.get(one.interface, 0) > 0,
        )


_SYN = 74
"""The bytes of a SYN-ACK of Linux in a frame of Ethernet, over IPv4."""


def _parent(text: str) -> str:
    words = text.split()
    return f"parent {shlex.quote(words[words.index('parent') + 1])}" if "parent" in words else ""


def _policies(dial: Dialled, client: str, host: str, below: Below) -> Iterator[_Found]:
    if isinstance(below.policies, Unknown) or not below.policies:
        return
    from sshdoctor.firewall.header import opening
    from sshdoctor.firewall.ipsec import stopped

    syn, answer = opening("ipv6" if ":" in client else "ipv4", client, host, dial.inside_port)
    for way, ends in (("in", syn), ("out", answer)):
        met = stopped(below.policies, below.states, "in" if way == "in" else "out", ends)
        if met is not None:
            yield _Found(
                what=f"an IPsec policy (dir {way})",
                why=met.why,
                fix=f"{met.policy.removal} (an IPsec daemon may have made it: look there first)",
                way=way,
                sure=met.sure,
                evidence=(Evidence("ip xfrm policy", met.policy.text), *below.evidence),
                counted=bool(below.counters),
            )


def _units(client: str, units: UnitNetwork) -> Iterator[_Found]:
    for unit in units.units:
        rule = units.denies(unit, client)
        if rule:
            yield _Found(
                what=f"{rule} of {unit.name}",
                why="the kernel drops what its sockets get from this client, and send to it",
                fix=f"systemctl edit {unit.name} (IPAddressAllow={shlex.quote(client)}), "
                f"systemctl daemon-reload, systemctl restart {unit.name}",
                way="in",
                sure=units.enforced is True,
                evidence=units.evidence,
            )
