"""Listening sockets as ss, netstat and /proc/net print them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

from msgspec import Struct

from sshdoctor.model import Evidence, Family, Unknown


class Listener(Struct, frozen=True):
    """One socket in state LISTEN. ``address`` is a bare IP address, "::" with v6only False for both
    families; ``interface`` is set where the socket is bound to one."""

    address: str
    port: int
    pid: int | None
    program: str | Unknown
    family: Family
    v6only: bool | Unknown
    interface: str = ""

    def __str__(self) -> str:
        host = f"[{self.address}]" if self.family == "ipv6" else self.address
        whose = "" if isinstance(self.program, Unknown) else f" {self.program}"
        return f"LISTEN {host}:{self.port}{whose}" + (f" (pid {self.pid})" if self.pid else "")


class Listeners(Struct, frozen=True, kw_only=True):
    """``own`` are those of the service, or of systemd for its socket unit; Unknown where none of the sockets
    seen is one and some may not be looked into. ``source``: ss, netstat, proc, files."""

    sockets: tuple[Listener, ...]
    own: tuple[Listener, ...] | Unknown
    source: str
    evidence: tuple[Evidence, ...]


def _listener(local: str, pid: int | None, program: str | Unknown, v6only: bool | Unknown) -> Listener | None:
    """A socket from an address such as 0.0.0.0:22, [::]:22, *:22, :::22, 127.0.0.53%lo:53."""
    host, _, port = local.rpartition(":")
    host, _, interface = host.replace("[", "").replace("]", "").partition("%")
    if not port.isdecimal():
        return None
    if host == "*":
        host, v6only = "::", False
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        return None
    family: Family = "ipv6" if version == 6 else "ipv4"
    only = False if family == "ipv4" else v6only
    return Listener(host, int(port), pid, program, family, only, interface)


def of_ss(text: str, unknown: Unknown) -> tuple[Listener, ...]:
    """``ss -ltnpe``."""
    found = []
    for line in text.splitlines():
        fields = line.split()
        if len(fields) < 5 or fields[0] != "LISTEN":
            continue
        # A server comes before systemd where both hold the socket: it is the one that accepts.
        users = re.findall(r'\("((?:[^"\\]|\\.)*)",pid=(\d+)', line)
        users.sort(key=lambda user: user[0] in ("systemd", "init"))
        program, pid = (users[0][0], int(users[0][1])) if users else (unknown, None)
        only = re.search(r" v6only:([01])\b", line)
        v6only = only[1] == "1" if only else Unknown("ss does not print it")
        found.append(_listener(fields[3], pid, program, v6only))
    return tuple(socket for socket in found if socket)


def of_netstat(text: str, unknown: Unknown) -> tuple[Listener, ...]:
    """``netstat -plnt`` of net-tools and of busybox."""
    found = []
    for line in text.splitlines():
        fields = line.split(None, 6)
        if len(fields) < 6 or not fields[0].startswith("tcp") or fields[5] != "LISTEN":
            continue
        pid, _, title = fields[6].strip().partition("/") if len(fields) > 6 else ("-", "", "")
        program = title.partition(":")[0].partition(" ")[0].rpartition("/")[2]
        known = pid.isdecimal()
        only = Unknown("netstat does not print it")
        found.append(_listener(fields[3], int(pid) if known else None, program if known else unknown, only))
    return tuple(socket for socket in found if socket)


def of_proc(said: Mapping[str, str], unknown: Unknown) -> tuple[Listener, ...]:
    """/proc/net/tcp and tcp6, joined with the sockets that /proc/PID/fd shows."""
    owners = _owners(said.get("fds", ""))
    names = dict(re.findall(r"^/proc/(\d+)/comm:(.*)$", said.get("names", ""), re.M))
    found = []
    for line in [*said["tcp"].splitlines(), *said.get("tcp6", "").splitlines()]:
        fields = line.split()
        if len(fields) < 10 or fields[3] != "0A":
            continue
        pid = owners.get(fields[9])
        program = names.get(pid, unknown) if pid else unknown
        number = int(pid) if pid else None
        found.append(_listener(_plain(fields[1]), number, program, Unknown("/proc does not show it")))
    return tuple(socket for socket in found if socket)


def _owners(listing: str) -> dict[str, str]:
    """The lowest process id by socket inode, but process 1 last: it holds sockets for others."""
    owners: dict[str, str] = {}
    pid = ""
    for line in listing.splitlines():
        heading = re.match(r"^/proc/(\d+)/fd:$", line)
        inode = re.search(r"socket:\[(\d+)\]$", line)
        if heading:
            pid = heading[1]
        elif inode and owners.get(inode[1], "1") == "1":
            owners[inode[1]] = pid
    return owners


def _plain(text: str) -> str:
    """0100007F:0016 is 127.0.0.1:22; an IPv6 address is four such words."""
    host, _, port = text.partition(":")
    words = [bytes.fromhex(host[at : at + 8])[::-1] for at in range(0, len(host), 8)]
    return f"[{ipaddress.ip_address(b''.join(words))}]:{int(port, 16)}"
