"""The fact ``listening``: what listens where the client's packet arrives."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

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
    unserved: bool | Unknown
    """No server listens at all, or none on the port dialled, which is that of a unit that does not run: one
    that was started by hand elsewhere is not in its place."""
    ports: tuple[int, ...]
    addresses: tuple[str, ...]
    """Where its servers listen, as ``address:port``."""
    on_port: bool
    """One listens on the port dialled, at whatever address."""
    loopback_only: bool
    """All that listen on this port do so on a loopback address."""
    bound_to: str
    """The interface to which all of this port and family are bound, where the client comes by another one; ""
    if that is not so."""
    queue_full: bool
    """The queue of what answers there is full: the kernel drops each further SYN."""
    other_family_only: bool
    """They listen on this port for all addresses of the other family, and not of this one."""
    evidence: tuple[Evidence, ...]


def listening(
    dial: Dialled,
    listeners: Listeners | Unknown,
    no_server_runs: bool,
    incoming: str = "",
    awaited: tuple[int, ...] | Unknown = (),
) -> Listening | Unknown:
    """The fact, from the listeners of the host; Unknown where these could not be read.

    ``incoming`` is the interface that the client comes by, "" where that is not known; ``awaited`` are the
    ports that the service's unit or socket unit would listen on, where neither runs.
    ``no_server_runs``: no process of a server is there, so that a socket whose process is not named
    (the kernel's, another user's or namespace's) is none of the service.
    """
    if isinstance(listeners, Unknown):
        return listeners
    if isinstance(listeners.own, Unknown) and no_server_runs:
        listeners = replace(listeners, own=())
    own = () if isinstance(listeners.own, Unknown) else listeners.own
    reached = [one for one in listeners.sockets if one.port == dial.inside_port and _takes(one, dial)]
    there = [one for one in reached if not incoming or one.interface in ("", incoming)]
    own_here = [one for one in own if one.port == dial.inside_port]
    answering = next((one for one in there if one in own), there[0] if there else None)
    own_family = [
        one for one in own_here if _serves_family(one, dial.family) or _may_serve(one, dial.family, own)
    ]
    other_family = [one for one in own_here if _serves_family(one, _other(dial.family))]
    state = _state(answering, listeners, dial)
    anywhere = listeners.own if isinstance(listeners.own, Unknown) else bool(listeners.own)
    return Listening(
        state=state,
        program=answering.program if answering else "",
        pid=answering.pid if answering else None,
        anywhere=anywhere,
        unserved=_unserved(anywhere, state, dial.inside_port, awaited) if not own_here else False,
        ports=tuple(dict.fromkeys(one.port for one in own)),
        addresses=tuple(_where(one) for one in own),
        on_port=bool(own_here),
        loopback_only=bool(own_here) and all(_loopback(one.address) for one in own_here),
        bound_to="" if there else ", ".join(dict.fromkeys(one.interface for one in reached if one in own)),
        queue_full=any(one.full for one in there),
        other_family_only=bool(own_here) and other_family == own_here and not own_family,
        evidence=listeners.evidence,
    )


def awaited_ports(service: Any, config: Any) -> tuple[int, ...] | Unknown:
    """The ports of a unit that does not run, and of its socket unit; none where one of them does, nor of one
    that was stopped and disabled: another server may have been given its place."""
    state = getattr(service, "state", None)
    if state == "inactive" and service.result == "success" and service.enabled == "disabled":
        return ()
    if isinstance(service, Unknown) or service.socket_state in ("listening", "running"):
        return ()
    if service.manager == "none" or state not in ("inactive", "failed", "masked", "starting"):
        return ()
    ports = config if isinstance(config, Unknown) else config.ports
    return ports if isinstance(ports, Unknown) else (*ports, *service.socket_ports)


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
    here = (one for one in listeners.sockets if one.port == dial.inside_port)
    own = () if isinstance(listeners.own, Unknown) else listeners.own
    if any(_may_serve(one, dial.family, own) for one in here):
        return Unknown("nothing shows whether the IPv6 socket of this port takes IPv4 as well")
    return "closed"


def _unserved(
    anywhere: bool | Unknown, state: str | Unknown, port: int, awaited: tuple[int, ...] | Unknown
) -> bool | Unknown:
    if isinstance(anywhere, Unknown) or not anywhere:
        return anywhere if isinstance(anywhere, Unknown) else True
    if isinstance(state, Unknown):
        return state
    if isinstance(awaited, Unknown):
        return awaited
    return state == "closed" and port in awaited


def _takes(one: Listener, dial: Dialled) -> bool:
    if isinstance(dial.arrives_at, Unknown):
        return False
    return one.address == dial.arrives_at or _serves_family(one, dial.family)


def _serves_family(one: Listener, family: str) -> bool:
    """Whether this socket takes connections to every address of ``family``."""
    if one.address == "*" or (not family and one.address in ("0.0.0.0", "::")):  # noqa: S104  # as below
        return True
    if one.address == "0.0.0.0":  # noqa: S104  # what a host listens on, not what we bind
        return family == "ipv4"
    if one.address == "::":
        return family == "ipv6" or one.v6only is False
    return False


def _may_serve(one: Listener, family: str, own: Sequence[Listener]) -> bool:
    """Whether it may be one for both families, which is not shown: its socket unit may make one."""
    unseen = one.address == "::" and isinstance(one.v6only, Unknown)
    return unseen and family == "ipv4" and (one.pid in (None, 1) or one not in own)


def _loopback(address: str) -> bool:
    return address != "" and ip_address(address.split("%")[0]).is_loopback


def _other(family: str) -> str:
    return "ipv4" if family == "ipv6" else "ipv6"


def _where(one: Listener) -> str:
    """With the interface that it is bound to, as ss has it."""
    plain = endpoint(one.address, one.port)
    address, _, port = plain.rpartition(":")
    return f"{address}%{one.interface}:{port}" if one.interface else plain
