"""What the units of a service do to its network: address lists, one interface, a namespace of its own."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from msgspec import Struct

from sshdoctor.model import Command, Evidence


class Unit(Struct, frozen=True, kw_only=True):
    """What systemd has in force for one unit."""

    name: str
    active: bool
    allow: tuple[str, ...]
    deny: tuple[str, ...]
    private: bool


class Apart(Struct, frozen=True):
    """A server in another network namespace of this host, and the ports that listen there."""

    pid: int
    program: str
    namespace: str
    ports: tuple[int, ...]


class UnitNetwork(Struct, frozen=True, kw_only=True):
    """``units`` only where some unit file sets such a thing; the address lists of slices count for all units.
    ``apart_ports`` is where servers in another network namespace listen.
    ``enforced``: the kernel carries the address lists out. ``files`` are the lines of the unit files."""

    units: tuple[Unit, ...]
    enforced: bool
    files: tuple[str, ...]
    apart_ports: tuple[int, ...]
    apart_text: str
    apart_fix: Command
    evidence: tuple[Evidence, ...]

    def denies(self, unit: Unit, client: str) -> str:
        """The entry by which ``unit`` is closed to ``client``, "" if none is: an allowed address is let in
        whatever is denied, and the lists of a unit's slices are its own as well."""
        slices = [one for one in self.units if one.name.endswith(".slice")]
        if unit in slices or not unit.active or any(_listed(client, one.allow) for one in (unit, *slices)):
            return ""
        denied = [each for one in (unit, *slices) for each in one.deny if _listed(client, (each,))]
        return f"IPAddressDeny={denied[0]}" if denied else ""


def _listed(client: str, networks: tuple[str, ...]) -> bool:
    return any(ip_address(client) in ip_network(each, strict=False) for each in networks)
