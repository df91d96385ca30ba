"""The case files: a dump, and what is known of it, in lines that start with ``#:``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from firewall.namespaces import CLIENT, REDIRECT, SECOND, SERVER
from sshdoctor.firewall import Dump, Packet
from sshdoctor.model import Family

FOLDER = Path(__file__).parent / "cases"


@dataclass(frozen=True, slots=True)
class Case:
    """``expect`` is: state, reply, table, chain, rule number or "policy", redirection; "-" for none."""

    name: str
    family: Family
    text: str
    expect: tuple[str, ...]
    in_interface: str | None = "eth0"
    kernel: bool = True

    @property
    def dump(self) -> Dump:
        return Dump("iptables-save" if self.family == "ipv4" else "ip6tables-save", self.family, self.text)

    @property
    def packet(self) -> Packet:
        return client_packet(self.family, self.in_interface)


def client_packet(family: Family, in_interface: str | None = "eth0") -> Packet:
    """The packet that the client of the namespaces sends."""
    return Packet(
        family=family,
        source=CLIENT[family],
        destination=SERVER[family],
        destination_port=22,
        in_interface=in_interface,
        out_interface="eth0",
        local_addresses=tuple(SECOND.values()),
        listener_uid=0,
        listener_gid=0,
        queues=frozenset(),
        destination_interface="eth0",
        reverse_path=True,
        redirect_address=REDIRECT[family],
        listens_everywhere=True,
        bridged=False,
        ipsec=False,
    )


def mailed_packet(family: Family) -> Packet:
    """The same packet, where all that is known of the host is the dump that somebody mailed."""
    return Packet(family=family, source=CLIENT[family], destination=SERVER[family], destination_port=22)


def read_cases() -> list[Case]:
    return [_read(path) for path in sorted(FOLDER.glob("*.rules"))]


def _read(path: Path) -> Case:
    text = path.read_bytes().decode()
    said = dict(line[3:].split(maxsplit=1) for line in text.splitlines() if line.startswith("#:"))
    return Case(
        name=path.stem,
        family="ipv6" if said["family"] == "ipv6" else "ipv4",
        text=text,
        expect=tuple(said["expect"].split()),
        in_interface=None if said.get("in_interface") == "?" else "eth0",
        kernel=said.get("kernel") != "no",
    )
