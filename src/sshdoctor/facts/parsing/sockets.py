"""Listening sockets as ss and /proc/net print them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import Struct

from sshdoctor.model import Evidence, Family, Unknown

Holders = Mapping[str, tuple[int, str]]
"""The server behind a socket, by the socket's inode: its process id and name."""

_EVERY = "0.0.0.0"  # noqa: S104  # what a host listens on, not what we bind


class Listener(Struct, frozen=True):
    """One socket in state LISTEN. ``address`` is a bare IP address, "::" with v6only False for both
    families. ``interface`` is set where the socket is bound to one. ``program`` is a server's own name, or
    what another program calls itself.
    """

    address: str
    port: int
    pid: int | None
    program: str | Unknown
    family: Family
    v6only: bool | Unknown
    interface: str = ""
    inode: str = ""
    full: bool = False
    """Its queue holds more connections than it may: the kernel drops each further SYN."""

    def __str__(self) -> str:
        host = f"[{self.address}]" if self.family == "ipv6" else self.address
        whose = "" if isinstance(self.program, Unknown) else f" {self.program}"
        return f"LISTEN {host}:{self.port}{whose}" + (f" (pid {self.pid})" if self.pid else "")


class Listeners(Struct, frozen=True, kw_only=True):
    """``own`` are those of the service, or of systemd for its socket unit; Unknown where none of the sockets
    seen is one and some may not be looked into. ``source``: ss, proc, files."""

    sockets: tuple[Listener, ...]
    own: tuple[Listener, ...] | Unknown
    source: str
    evidence: tuple[Evidence, ...]


class _Row(Struct, frozen=True):
    """One socket as the kernel tells of it."""

    local: str
    inode: str
    v6only: bool | Unknown
    full: bool = False


def of_ss(said: Mapping[str, str], holders: Holders, unknown: Unknown) -> tuple[Listener, ...]:
    """``ss -ltne`` in the part "ss", which names no process, and ``ss -ltnp`` in "named"."""
    names = dict(_named(said.get("named", "")))
    rows = _rows_of_ss(said["ss"])
    return _listeners(
        rows, lambda row: names.get(row.local) or names.get(row.local.replace(_EVERY, "*")), holders, unknown
    )


def of_proc(said: Mapping[str, str], holders: Holders, unknown: Unknown) -> tuple[Listener, ...]:
    """/proc/net/tcp and tcp6, joined with the sockets that /proc/PID/fd shows."""
    owners = {
        inode: pid for pid, inodes in sorted(held(_bare(said.get("fds", ""))).items()) for inode in inodes
    }
    names = dict(re.findall(r"^/proc/(\d+)/comm:(.*)$", _bare(said.get("names", "")), re.M))

    def named(row: _Row) -> tuple[int, str] | None:
        pid = owners.get(row.inode)
        return (pid, _printable(names.get(str(pid), "?"))) if pid else None

    return _listeners(_rows_of_proc(said), named, holders, unknown)


def held(listing: str) -> dict[int, list[str]]:
    """The inodes of the sockets that each process has open, from ``ls -l /proc/PID/fd``."""
    found: dict[int, list[str]] = {}
    inodes: list[str] = []
    for line in listing.splitlines():
        heading = re.fullmatch(r"/proc/(\d+)/fd:", line)
        inode = re.search(r" -> socket:\[(\d+)\]$", line)
        if heading:
            inodes = found.setdefault(int(heading[1]), [])
        elif inode:
            inodes.append(inode[1])
    return found


def inodes_of_ports(said: Mapping[str, str], ports: frozenset[int]) -> frozenset[str]:
    """The sockets that listen on one of ``ports``."""
    rows = _rows_of_ss(said["ss"]) if "ss" in said else _rows_of_proc(said) if "tcp" in said else ()
    ends = {str(port) for port in ports}
    return frozenset(row.inode for row in rows if row.local.rpartition(":")[2] in ends)


def _rows_of_ss(text: str) -> Iterator[_Row]:
    """To the ss of CentOS 7 ``*:22`` is IPv4 alone, as ``:::22`` is IPv6."""
    old = re.search(r" :::\d+ ", text) is not None
    new = re.search(r" (?:0\.0\.0\.0:\d|\[)| v6only:", text) is not None
    for line in text.splitlines():
        fields = line.split()
        inode = re.search(r" ino:(\d+)", line)
        if len(fields) < 5 or fields[0] != "LISTEN" or not inode:
            continue
        only = re.findall(r" v6only:([01])(?= |$)", line)
        v6only = only[-1] == "1" if only else Unknown("ss does not print it")
        local = fields[3]
        if local.startswith("*:") and (old or not new):
            local = _EVERY + local[1:]
        queue = [int(field) if field.isdecimal() else 0 for field in fields[1:3]]
        yield _Row(local, inode[1], v6only, queue[0] > queue[1])


def _rows_of_proc(said: Mapping[str, str]) -> Iterator[_Row]:
    for line in [*said["tcp"].splitlines(), *said.get("tcp6", "").splitlines()]:
        fields = line.split()
        if len(fields) >= 10 and fields[3] == "0A":
            yield _Row(_plain(fields[1]), fields[9], Unknown("/proc does not show it"))


def _listeners(
    rows: Iterable[_Row],
    named: Callable[[_Row], tuple[int, str] | None],
    holders: Holders,
    unknown: Unknown,
) -> tuple[Listener, ...]:
    found = (_listener(row, *(holders.get(row.inode) or named(row) or (None, unknown))) for row in rows)
    return tuple(socket for socket in found if socket)


def _listener(row: _Row, pid: int | None, program: str | Unknown) -> Listener | None:
    """A socket from an address such as 0.0.0.0:22, [::]:22, *:22, :::22, 127.0.0.53%lo:53."""
    host, _, port = row.local.rpartition(":")
    host, _, interface = host.replace("[", "").replace("]", "").partition("%")
    v6only = row.v6only
    if not (port.isascii() and port.isdecimal() and int(port) < 65536):
        return None
    if host == "*":
        host, v6only = "::", False
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        return None
    family: Family = "ipv6" if version == 6 else "ipv4"
    only = False if family == "ipv4" else v6only
    return Listener(host, int(port), pid, program, family, only, interface, row.inode, row.full)


def _named(text: str) -> Iterator[tuple[str, tuple[int, str]]]:
    """Of each address the process, by what it calls itself."""
    for line in _bare(text).splitlines():
        fields = line.split(None, 4)
        # systemd comes last where others hold the socket too: they are the ones that accept.
        users = re.findall(r'\("((?:[^"\\]|\\.)*)",(?:pid=)?(\d{1,9})', line)
        users.sort(key=lambda user: user[0] in ("systemd", "init"))
        if len(fields) == 5 and fields[0] == "LISTEN" and users:
            yield fields[3], (int(users[0][1]), _printable(users[0][0]))


def _bare(text: str) -> str:
    """Without the bars that stand before what others may have written."""
    return "\n".join(line.removeprefix("|") for line in text.splitlines())


def _printable(name: str) -> str:
    """A program's name as it is shown; the kernel keeps 15 bytes of it."""
    return ascii(name[:60])[1:-1]


def _plain(text: str) -> str:
    """0100007F:0016 is 127.0.0.1:22; an IPv6 address is four such words."""
    host, _, port = text.partition(":")
    words = [bytes.fromhex(host[at : at + 8])[::-1] for at in range(0, len(host), 8)]
    return f"[{ipaddress.ip_address(b''.join(words))}]:{int(port, 16)}"
