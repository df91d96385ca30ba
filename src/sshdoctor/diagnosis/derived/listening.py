"""The fact ``listening``: what listens where the client's packet arrives."""

from __future__ import annotations

from ipaddress import ip_address

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.diagnosis.derived.dialled import Dialled
from sshdoctor.facts.parsing.sockets import Listener, Listeners
from sshdoctor.model import Evidence, Unknown, endpoint


class Listening(Struct, frozen=True, kw_only=True):
    """Who answers at the address and port dialled, and where the service's own servers listen instead."""

    state: str | Unknown
    """ "service" | "other" (another program's) | "closed" """
    program: str | Unknown
    pid: int | None
    anywhere: bool | Unknown
    """A server of the service listens, on whatever address and port."""
    ports: tuple[int, ...]
    addresses: tuple[str, ...]
    """Where its servers listen, as ``address:port``."""
    on_port: bool
    """One listens on the port dialled, at whatever address."""
    loopback_only: bool
    """All that listen on this port do so on a loopback address."""
    other_family_only: bool
    """They listen on this port for all addresses of the other family, and not of this one."""
    evidence: tuple[Evidence, ...]


def listening(dial: Dialled, listeners: Listeners | Unknown, no_server_runs: bool) -> Listening | Unknown:
    """The fact, from the listeners of the host; Unknown where these could not be read.

    ``no_server_runs``: no process of a server is there, so that a socket whose process is not named
    (the kernel's, another user's or namespace's) is none of the service.
    """
    if isinstance(listeners, Unknown):
        return listeners
    if isinstance(listeners.own, Unknown) and no_server_runs:
        listeners = replace(listeners, own=())
    own = () if isinstance(listeners.own, Unknown) else listeners.own
    there = [one for one in listeners.sockets if one.port == dial.inside_port and _takes(one, dial)]
    own_here = [one for one in own if one.port == dial.inside_port]
    answering = next((one for one in there if one in own), there[0] if there else None)
    own_family = [one for one in own_here if _serves_family(one, dial.family)]
    other_family = [one for one in own_here if _serves_family(one, _other(dial.family))]
    return Listening(
        state=_state(answering, listeners, dial),
        program=answering.program if answering else "",
        pid=answering.pid if answering else None,
        anywhere=listeners.own if isinstance(listeners.own, Unknown) else bool(listeners.own),
        ports=tuple(dict.fromkeys(one.port for one in own)),
        addresses=tuple(endpoint(one.address, one.port) for one in own),
        on_port=bool(own_here),
        loopback_only=bool(own_here) and all(_loopback(one.address) for one in own_here),
        other_family_only=bool(own_here) and other_family == own_here and not own_family,
        evidence=listeners.evidence,
    )


def _state(answering: Listener | None, listeners: Listeners, dial: Dialled) -> str | Unknown:
    if listeners.own == ():
        certain = "closed" if answering is None else "other"
        return certain if not isinstance(dial.arrives_at, Unknown) else "closed"
    if isinstance(dial.arrives_at, Unknown):
        return dial.arrives_at
    if answering is not None:
        if isinstance(listeners.own, Unknown):
            return listeners.own
        if answering in listeners.own:
            return "service"
        return answering.program if isinstance(answering.program, Unknown) else "other"
    if dial.translated is True:
        return Unknown(f"{dial.address} is not the host's own: its port {dial.port} may be another inside")
    return "closed"


def _takes(one: Listener, dial: Dialled) -> bool:
    if isinstance(dial.arrives_at, Unknown):
        return False
    return one.is_at(dial.arrives_at) or _serves_family(one, dial.family)


def _serves_family(one: Listener, family: str) -> bool:
    """Whether this socket takes connections to every address of ``family``."""
    if one.address == "*":
        return True
    if one.address == "0.0.0.0":  # noqa: S104  # what a host listens on, not what we bind
        return family == "ipv4"
    if one.address == "::":
        return family == "ipv6" or one.v6only is False
    return False


def _loopback(address: str) -> bool:
    return not address.endswith("*") and address != "" and ip_address(address.split("%")[0]).is_loopback


def _other(family: str) -> str:
    return "ipv4" if family == "ipv6" else "ipv6"
