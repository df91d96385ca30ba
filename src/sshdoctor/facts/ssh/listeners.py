"""The TCP sockets in state LISTEN, and the programs behind them.

Sources: ss(8) with -e (it prints the inode, and v6only), proc(5) /proc/net/tcp (addresses in the byte order
of the machine, read here as little-endian), /proc/PID/fd. ``*:22`` of ss is one socket for both families.
Whether a server holds a socket is told by the socket's inode among the open files of a process that is one
(see services/servers.sh). The names of other programs are what these call themselves, and only shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from sshdoctor.facts.parsing import servers, sockets
from sshdoctor.facts.parsing.output import evidence, parts
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.parsing.servers import Servers
from sshdoctor.facts.parsing.sockets import Listener, Listeners
from sshdoctor.facts.parsing.words import unit_name
from sshdoctor.facts.ssh.parsing import server_processes
from sshdoctor.model import Evidence, Family, Unknown, endpoint, is_address

ONCE = server_processes.ONCE
COMMANDS = {
    "sockets": server_processes.KNOWN
    + """
echo '## uid'; id -u
if listing=$(ss -Hltne 2>/dev/null) || listing=$(ss -ltne 2>/dev/null); then
  echo '## ss'; echo "$listing"
  named=$(ss -ltnp 2>/dev/null); echo '## named'; echo "$named" | sed 's/^/|/'
elif [ -r /proc/net/tcp ]; then
  echo '## tcp'; cat /proc/net/tcp
  echo '## tcp6'; cat /proc/net/tcp6 2>/dev/null
  echo '## names'; grep -s . /proc/[0-9]*/comm | sed 's/^/|/'
  echo '## fds'; ls -l /proc/[0-9]*/fd 2>/dev/null | sed -n -e '/^.proc/s/^/|/p' -e '/socket:/s/^/|/p'
fi
echo "$server_processes"
streams=$(grep -hs '^ListenStream=' /lib/systemd/system/ssh.socket /lib/systemd/system/sshd.socket \\
  /etc/systemd/system/ssh.socket /etc/systemd/system/sshd.socket \\
  /run/systemd/generator/ssh.socket.d/*.conf \\
  /etc/systemd/system/ssh.socket.d/*.conf /etc/systemd/system/sshd.socket.d/*.conf)
# Ports of socket units that rest are not systemd's; where it does not answer, they may be.
[ -z "$streams" ] || case " $(systemctl is-active ssh.socket sshd.socket 2>/dev/null | tr '\\n' ' ') " in
  '  '|*' active '*|*' activating '*) ;;
  *) streams='' ;;
esac
echo '## activated'; [ ! -d /run/systemd/system ] || echo "$streams"
case $named in
  *'pid=1,'*)
    echo '## units'; systemctl list-sockets --all --no-legend --no-pager 2>/dev/null | head -n 100 ;;
esac
folders=
for pid in $servers ${streams:+1}; do folders="$folders /proc/$pid/fd"; done
echo '## held'
[ -z "$folders" ] || ls -l $folders /dev/null 2>/dev/null | sed -n -e '/^.proc/p' -e '/socket:/p'
true
"""
}

VALUE = Listeners
WRITERS = {"": "kernel", "sockets": "anyone"}
_TYPED = {"ss": "ss -ltnp", "proc": "cat /proc/net/tcp /proc/net/tcp6"}


def parse(sections: Mapping[str, Section]) -> Listeners | Unknown:
    said = parts(sections["sockets"].output)
    found = servers.read(said)
    holders = _holders(said, found)
    unknown = Unknown("no process is named" if said.get("uid") == "0" else "not permitted")
    if "ss" in said:
        source, seen = "ss", sockets.of_ss(said, holders, unknown)
    elif "tcp" in said:
        source, seen = "proc", sockets.of_proc(said, holders, unknown)
    else:
        return Unknown("there is no ss and no /proc")
    units = said.get("units", "")
    seen = tuple(socket if socket.inode in holders else _with_unit(socket, units) for socket in seen)
    own = tuple(socket for socket in seen if socket.inode in holders)
    hidden = found.hidden if said.get("uid") == "0" else Unknown("not permitted")
    ports = _activated_ports(said.get("activated", ""))
    none = not seen or (found.there_are_none and not any(socket.port in ports for socket in seen))
    return Listeners(
        sockets=seen,
        own=hidden if hidden is not None and not own and not none else own,
        source=source,
        evidence=evidence(_TYPED[source], [str(socket) for socket in own or seen]),
    )


def _with_unit(socket: Listener, units: str) -> Listener:
    """With the socket unit of that port, by ``systemctl list-sockets``: it is for another service."""
    rows = (row.split() for row in units.splitlines() if len(row.split()) > 1)
    held = (row[1] for row in rows if row[0].rpartition(":")[2] == str(socket.port))
    unit = next((unit_name(name) for name in held if name.endswith(".socket")), "")
    return replace(socket, program=f"{socket.program}, for {unit}") if unit and socket.pid else socket


def _holders(said: Mapping[str, str], found: Servers) -> dict[str, tuple[int, str]]:
    """The server behind each socket, by inode: its process id and name.

    systemd holds the sockets of its units for others, and of these a server may hold some as well.
    """
    held = sockets.held(said.get("held", ""))
    ports = _activated_ports(said.get("activated", ""))
    holders = {
        inode: (pid, exe.removesuffix(" (deleted)").rpartition("/")[2])
        for pid, exe in sorted(found.programs.items(), reverse=True)
        for inode in held.get(pid, ())
    }
    if ports:
        activated = sockets.inodes_of_ports(said, ports)
        for inode in held.get(1, ()):
            if inode in activated:
                holders.setdefault(inode, (1, "systemd"))
    return holders


def _activated_ports(text: str) -> frozenset[int]:
    """The ports of ListenStream lines; an empty one drops those before it (systemd.socket(5))."""
    ports: list[int] = []
    for line in text.splitlines():
        end = line.partition("=")[2].strip().rpartition(":")[2]
        ports = [*ports, int(end)] if end.isdecimal() else ports if end else []
    return frozenset(ports)


def after_boot(service: Any, config: Any) -> Listeners:
    """What the boot of a system on a disk would bring up to listen, by the facts of these names."""
    listening = tuple(_brought_up(service, config))
    source = "grep -rE '^(Port|ListenAddress|Include)' /etc/ssh (where sshd listens after the boot)"
    shown = (Evidence(source, "\n".join(endpoint(one.address, one.port) for one in listening)),)
    return Listeners(sockets=listening, own=listening, source="files", evidence=shown if listening else ())


def _brought_up(service: Any, config: Any) -> Iterator[Listener]:
    """Nothing if that is not known."""
    by_socket = bool(service.socket_listens)
    if by_socket:
        ends = [_split(each) for each in service.socket_listens]
    elif isinstance(config, Unknown) or isinstance(config.endpoints, Unknown):
        return
    else:
        ends = config.endpoints
    if all(is_address(address) for address, _ in ends):
        for address, port in ends:
            family: Family = "ipv6" if ":" in address else "ipv4"
            yield Listener(address, port, None, "sshd", family, v6only=not by_socket)


def _split(text: str) -> tuple[str, int]:
    address, _, port = text.rpartition(":")
    return address.strip("[]"), int(port) if port.isdecimal() else 0
