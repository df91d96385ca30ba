"""The TCP sockets in state LISTEN, and the programs behind them.

Sources: ss(8) with -e (it prints v6only), netstat(8), proc(5) /proc/net/tcp (addresses in the byte order of
the machine, read here as little-endian), /proc/PID/fd. ``*:22`` of ss is one socket for both families.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sshdoctor.facts.parsing import sockets as _sockets
from sshdoctor.facts.parsing.output import evidence, parts
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.parsing.sockets import Listener, Listeners
from sshdoctor.model import Evidence, Family, Unknown, endpoint, is_address
from sshdoctor.services.ssh.programs import SERVERS

COMMANDS = {
    "sockets": """
echo "## uid"; id -u
if listing=$(ss -Hltnpe 2>/dev/null) || listing=$(ss -ltnpe 2>/dev/null); then
  echo '## ss'; echo "$listing"
elif listing=$(netstat -plnt 2>/dev/null); then
  echo '## netstat'; echo "$listing"
elif [ -r /proc/net/tcp ]; then
  echo '## tcp'; cat /proc/net/tcp
  echo '## tcp6'; cat /proc/net/tcp6 2>/dev/null
  echo '## names'; grep -s . /proc/[0-9]*/comm
  echo '## fds'; ls -l /proc/[0-9]*/fd 2>/dev/null | sed -n -e '/^.proc/p' -e '/socket:/p'
fi
echo '## activated'
grep -hs '^ListenStream=' /lib/systemd/system/ssh.socket /lib/systemd/system/sshd.socket \\
  /etc/systemd/system/ssh.socket /etc/systemd/system/sshd.socket \\
  /run/systemd/generator/ssh.socket.d/*.conf \\
  /etc/systemd/system/ssh.socket.d/*.conf /etc/systemd/system/sshd.socket.d/*.conf
true
"""
}

VALUE = Listeners
_TYPED = {"ss": "ss -ltnp", "netstat": "netstat -plnt", "proc": "cat /proc/net/tcp /proc/net/tcp6"}


def parse(sections: Mapping[str, Section]) -> Listeners | Unknown:
    said = parts(sections["sockets"].output)
    unknown = Unknown("no process is named" if said.get("uid") == "0" else "not permitted")
    if "ss" in said:
        source, sockets = "ss", _sockets.of_ss(said["ss"], unknown)
    elif "netstat" in said:
        source, sockets = "netstat", _sockets.of_netstat(said["netstat"], unknown)
    elif "tcp" in said:
        source, sockets = "proc", _sockets.of_proc(said, unknown)
    else:
        return Unknown("there is no ss, no netstat and no /proc")
    ports = _activated_ports(said.get("activated", ""))
    own = tuple(socket for socket in sockets if _is_own(socket, ports))
    hidden = [socket for socket in sockets if isinstance(socket.program, Unknown)]
    shown = own or sockets
    return Listeners(
        sockets=sockets,
        own=hidden[0].program if hidden and not own and isinstance(hidden[0].program, Unknown) else own,
        source=source,
        evidence=evidence(_TYPED[source], [str(socket) for socket in shown]),
    )


def _is_own(socket: Listener, activated: frozenset[int]) -> bool:
    if isinstance(socket.program, Unknown):
        return False
    if socket.program in ("systemd", "init"):
        return socket.port in activated
    return socket.program.startswith(SERVERS)


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
