"""Who else is let in or shut out by a change of the firewall: judged for a few probes, before and after.

The probes are another address of the client's own network, a stranger, both at the port dialled; this
client at other ports; and a stranger of the other family, where the host has an address of that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from msgspec.structs import replace

from sshdoctor.diagnosis.derived.path import Path, path
from sshdoctor.facts.host.firewall import Firewall
from sshdoctor.model import Unknown
from sshdoctor.remedy.plan import Step

_STRANGER = {"ipv4": "151.101.193.67", "ipv6": "2a04:4e42:200::323"}
"""Addresses of the wide internet, which no host's rules name by chance; nothing is ever sent to them."""
_OTHER_PORTS = (80, 3306)


def verdicts(face: Mapping[str, Any], firewall: Firewall | Unknown) -> dict[str, str]:
    """What ``firewall`` does with each probe: accept, drop or reject; only those that it can be known of."""
    dial, client = face["dialled"], face["client_address"]
    if isinstance(firewall, Unknown) or client is None or isinstance(dial.arrives_at, Unknown):
        return {}
    found = {}
    for name, (source, changes) in _probes(face).items():
        asked = replace(dial, reply="", **changes)
        met = path(asked, source, firewall, face["addresses"], face["bans"])
        if isinstance(met, Path) and isinstance(met.state, str):
            found[name] = met.state
    return found


def differing(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """In words, what a probe met before and what it meets afterwards, where that is another thing.

    >>> differing({"a stranger": "drop", "port 80": "accept"}, {"a stranger": "accept", "port 80": "accept"})
    ('a stranger: drop before, accept then',)
    """
    return tuple(
        f"{name}: {met} before, {after[name]} then"
        for name, met in before.items()
        if name in after and (met == "accept") != (after[name] == "accept")
    )


def let_in(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """The probes that get in afterwards, and did not before."""
    return tuple(name for name, met in before.items() if met != "accept" and after.get(name) == "accept")


def _probes(face: Mapping[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
    dial, client = face["dialled"], face["client_address"]
    near = _neighbour(client, _own(face))
    probes: dict[str, tuple[str, dict[str, Any]]] = {
        f"another client near this one ({near})": (near, {}),
        f"any {_NAMES[dial.family]} client": (_STRANGER[dial.family], {}),
    }
    for port in _OTHER_PORTS:
        if port not in (dial.port, dial.inside_port):
            probes[f"this client at port {port}"] = (client, {"port": port, "inside_port": port})
    other = "ipv4" if dial.family == "ipv6" else "ipv6"
    own = next((each for each in _own(face) if (":" in each) == (other == "ipv6")), "")
    if own:
        probes[f"any {_NAMES[other]} client"] = (
            _STRANGER[other],
            {"family": other, "address": own, "arrives_at": own},
        )
    return probes


_NAMES = {"ipv4": "IPv4", "ipv6": "IPv6"}


def _own(face: Mapping[str, Any]) -> list[str]:
    held = getattr(face["addresses"], "all", ())
    return [each.address for each in held if not _is_inward(each.address)]


def _is_inward(text: str) -> bool:
    address = ip_address(text)
    return address.is_loopback or address.is_link_local


def _neighbour(client: str, own: Sequence[str]) -> str:
    """The address after the client's that is none of the host's."""
    return next(each for each in _following(client) if each not in own)


def _following(client: str) -> Iterator[str]:
    for step in range(1, 64):
        yield str(ip_address(client) + step)


def unplanned(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], planned: Sequence[str]
) -> tuple[str, ...]:
    """The differences between the rules as they were and as they are, but for those that were ``planned``."""
    found: dict[str, None] = {}
    for old, new in zip(before, after, strict=False):
        was, now = verdicts(old, old["firewall"]), verdicts(old, new["firewall"])
        found |= dict.fromkeys(each for each in differing(was, now) if each not in planned)
    return tuple(found)


def unnamed(effects: Sequence[str], steps: Sequence[Step]) -> str:
    """What a remedy has changed for an account or a unit, and no playbook of the plan names; "" if nothing.

    A playbook names keywords of ``sshd -T``, and units, in ``remedy.effects``; an empty list names none.
    """
    named = {word for step in steps for word in step.playbook.remedy.effects or ()}
    beside = [line for line in effects if not named & {*line.split()[1:3]}]
    if not beside:
        return ""
    more = f" (and {len(beside) - 4} more)" if len(beside) > 4 else ""
    return f"this changed, and the plan did not say so: {'; '.join(beside[:4])}{more}"
