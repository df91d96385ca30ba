"""The TCP sockets in state LISTEN, and the programs behind them.

Sources: ss(8) with -e (it prints v6only), netstat(8), proc(5) /proc/net/tcp (addresses in the byte order of
the machine, read here as little-endian), /proc/PID/fd. ``*:22`` of ss is one socket for both families.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from sshdoctor.facts.parsing import sockets as _sockets
from sshdoctor.facts.parsing.output import evidence, parts
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.parsing.sockets import Listener
from sshdoctor.model import Evidence, Unknown

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

SERVERS = ("sshd", "dropbear", "tinysshd", "lsh-server", "wolfsshd")


class Listeners(Struct, frozen=True, kw_only=True):
    """``ssh`` are those of an SSH server, or of systemd for an SSH socket unit; Unknown where none of the
    sockets seen is one and some may not be looked into. ``source``: ss, netstat, proc."""

    sockets: tuple[Listener, ...]
    ssh: tuple[Listener, ...] | Unknown
    source: str
    evidence: tuple[Evidence, ...]


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
    ssh = tuple(socket for socket in sockets if _serves_ssh(socket, ports))
    hidden = [socket for socket in sockets if isinstance(socket.program, Unknown)]
    shown = ssh or sockets
    return Listeners(
        sockets=sockets,
        ssh=hidden[0].program if hidden and not ssh and isinstance(hidden[0].program, Unknown) else ssh,
        source=source,
        evidence=evidence(_TYPED[source], [str(socket) for socket in shown]),
    )


def _serves_ssh(socket: Listener, activated: frozenset[int]) -> bool:
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
