"""The fact ``socket``: what listens where the client's packet arrives."""

from __future__ import annotations

from ipaddress import ip_address

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.diagnosis.derived.dialled import Dialled
from sshdoctor.facts.host.listeners import Listeners
from sshdoctor.facts.parsing.sockets import Listener
from sshdoctor.model import Evidence, Unknown


class Socket(Struct, frozen=True, kw_only=True):
    """Who answers at the address and port dialled, and where SSH servers listen instead."""

    state: str | Unknown
    """ "ssh" | "other" (another program's) | "closed" """
    program: str | Unknown
    pid: int | None
    any_ssh: bool | Unknown
    ssh_ports: tuple[int, ...]
    ssh_addresses: tuple[str, ...]
    """Where SSH servers listen, as ``address:port``."""
    on_port: bool
    """An SSH server listens on the port dialled, at whatever address."""
    loopback_only: bool
    """Every SSH listener on this port is on a loopback address."""
    bound_to: str
    """The interface to which every SSH listener of this port and family is bound, where the client comes by
    another one; "" if that is not so."""
    other_family_only: bool
    """SSH listens on this port for all addresses of the other family, and not of this one."""
    evidence: tuple[Evidence, ...]


def socket(
    dial: Dialled, listeners: Listeners | Unknown, no_server_runs: bool, incoming: str = ""
) -> Socket | Unknown:
    """The fact, from the listeners of the host; Unknown where these could not be read.

    ``incoming`` is the interface that the client comes by, "" where that is not known.

    ``no_server_runs``: no process of an SSH server is there, so that a socket whose process is not named
    (the kernel's, another user's or namespace's) is none of an SSH server.
    """
    if isinstance(listeners, Unknown):
        return listeners
    if isinstance(listeners.ssh, Unknown) and no_server_runs:
        listeners = replace(listeners, ssh=())
    ssh = () if isinstance(listeners.ssh, Unknown) else listeners.ssh
    reached = [one for one in listeners.sockets if one.port == dial.inside_port and _takes(one, dial)]
    there = [one for one in reached if not incoming or one.interface in ("", incoming)]
    ssh_here = [one for one in ssh if one.port == dial.inside_port]
    answering = next((one for one in there if one in ssh), there[0] if there else None)
    own_family = [one for one in ssh_here if _serves_family(one, dial.family)]
    other_family = [one for one in ssh_here if _serves_family(one, _other(dial.family))]
    return Socket(
        state=_state(answering, listeners, dial),
        program=answering.program if answering else "",
        pid=answering.pid if answering else None,
        any_ssh=listeners.ssh if isinstance(listeners.ssh, Unknown) else bool(listeners.ssh),
        ssh_ports=tuple(dict.fromkeys(one.port for one in ssh)),
        ssh_addresses=tuple(_where(one) for one in ssh),
        on_port=bool(ssh_here),
        loopback_only=bool(ssh_here) and all(_loopback(one.address) for one in ssh_here),
        bound_to=", ".join(dict.fromkeys(one.interface for one in reached if one in ssh))
        if not there
        else "",
        other_family_only=bool(ssh_here) and other_family == ssh_here and not own_family,
        evidence=listeners.evidence,
    )


def _state(answering: Listener | None, listeners: Listeners, dial: Dialled) -> str | Unknown:
    if listeners.ssh == ():
        certain = "closed" if answering is None else "other"
        return certain if not isinstance(dial.arrives_at, Unknown) else "closed"
    if isinstance(dial.arrives_at, Unknown):
        return dial.arrives_at
    if answering is not None:
        known = not isinstance(listeners.ssh, Unknown) and answering in listeners.ssh
        return "ssh" if known else answering.program if isinstance(answering.program, Unknown) else "other"
    if dial.translated is True:
        return Unknown(f"{dial.address} is not the host's own: its port {dial.port} may be another inside")
    return "closed"


def _takes(one: Listener, dial: Dialled) -> bool:
    if isinstance(dial.arrives_at, Unknown):
        return False
    return one.address == dial.arrives_at or _serves_family(one, dial.family)


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
    return address not in ("*", "") and ip_address(address.split("%")[0]).is_loopback


def _other(family: str) -> str:
    return "ipv4" if family == "ipv6" else "ipv6"


def _where(one: Listener) -> str:
    device = f"%{one.interface}" if one.interface else ""
    return (
        f"[{one.address}]{device}:{one.port}" if ":" in one.address else f"{one.address}{device}:{one.port}"
    )
