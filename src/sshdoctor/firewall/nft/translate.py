"""nft's NAT: where ``dnat`` and ``redirect`` send a connection, by a constant or by a map."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sshdoctor.firewall.iptables import values
from sshdoctor.firewall.kernel import matches as judge
from sshdoctor.firewall.model import Doubt, Match, NatTo, Target
from sshdoctor.firewall.nft.fields import field_of
from sshdoctor.firewall.nft.match import Scope, choice
from sshdoctor.model import Family


class _SeveralError(Exception):
    """One of several places, as the kernel chooses."""


def translate(kind: str, value: dict[str, Any], scope: Scope) -> tuple[Match | None, Target]:
    """The target of ``dnat`` or ``redirect``, and the match that goes before it."""
    ours = "ip" if scope.family == "ipv4" else "ip6"
    if value.get("family", "") not in ("", ours):
        return Match(judge.always, False), Target("drop")
    address, port = value.get("addr"), value.get("port")
    try:
        if isinstance(address, dict) and "map" in address:
            return None, _mapped(address["map"], lambda given: _of_address(given, port, value, scope), scope)
        if isinstance(port, dict) and "map" in port:
            return None, _mapped(
                port["map"], lambda given: NatTo(_address(address, scope.family), _port(given)), scope
            )
        return None, Target("nat", _of_address(address, port, value, scope))
    except _SeveralError:
        return None, Target("lost", Doubt("depends", f"the destination chosen from several ({kind})"))


def _mapped(given: dict[str, Any], read: Callable[[Any], NatTo], scope: Scope) -> Target:
    """What the map gives for a packet; without this key the rule ends."""
    if doubt := scope.sets.doubt_of(given["data"]):
        return Target("choose", lambda segment: [(doubt, Target("lost", doubt))])
    pairs = [(key, _one(value, read)) for key, value in scope.sets.of(given["data"])]
    return Target("choose", choice(field_of(given["key"], scope.family), pairs))


def _one(value: Any, read: Callable[[Any], NatTo]) -> Target:
    try:
        return Target("nat", read(value))
    except _SeveralError:
        return Target("lost", Doubt("depends", "the destination chosen from several"))


def _of_address(address: Any, port: Any, value: dict[str, Any], scope: Scope) -> NatTo:
    """An address, or an address and a port together (``10.0.0.1 . 22``)."""
    if isinstance(address, dict) and "concat" in address:
        address, port = address["concat"]
    flags = value.get("flags") or ()
    if "netmap" in flags and isinstance(address, dict) and "prefix" in address:
        prefix = address["prefix"]
        network, mask = values.network(f"{prefix['addr']}/{int(prefix['len'])}", scope.family)
        return NatTo(network, _port(port), mask)
    return NatTo(_address(address, scope.family), _port(port))


def _address(given: Any, family: Family) -> int | None:
    if given is None:
        return None
    if isinstance(given, dict) and "range" in given and given["range"][0] == given["range"][1]:
        given = given["range"][0]
    if not isinstance(given, str):
        raise _SeveralError
    return values.address(given, family)


def _port(given: Any) -> int | None:
    if isinstance(given, dict) and "range" in given and given["range"][0] == given["range"][1]:
        given = given["range"][0]
    if isinstance(given, str):
        return values.ports(given)[0][0]
    if not isinstance(given, int | None):
        raise _SeveralError
    return given
