"""The SSH service as the host's service manager sees it.

Sources: systemd.unit(5), systemd.service(5), systemd.socket(5), ``systemctl show`` (its times are asked
for in UTC); rc-service(8); LSB exit statuses of ``service NAME status`` (0 running, 1 and 2 dead,
3 not running). Where systemd runs but cannot be asked, what stands on the disk is still read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.facts.offline.accounts_and_paths import OFF
from sshdoctor.facts.parsing import systemd as _systemd
from sshdoctor.facts.parsing.output import evidence, number, parts, properties
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.parsing.words import plain_name
from sshdoctor.facts.ssh.offline import service as _service_disk
from sshdoctor.model import Evidence, Unknown
from sshdoctor.services.ssh.programs import UNITS

if TYPE_CHECKING:
    from sshdoctor.disk import Disk

COMMANDS = {
    "unit": """
links() {
  ls -ld /etc/systemd/system/*.wants/ssh*.s* /etc/systemd/system/ssh*.s* /run/systemd/system/ssh*.s* \\
    /usr/lib/systemd/system/ssh*.s* /lib/systemd/system/ssh*.s* 2>/dev/null
}
if [ -d /run/systemd/system ]; then
  echo '## systemd'
  TZ=UTC systemctl show -p Id,LoadState,ActiveState,SubState,UnitFileState,Result,MainPID,ExecMainStatus \\
    -p ExecMainStartTimestamp,ActiveEnterTimestamp,InactiveEnterTimestamp,Listen,FreezerState \\
    -p Accept,NConnections,NRefused,MaxConnections,MaxConnectionsPerSource \\
    ssh.service sshd.service ssh.socket sshd.socket 2>&1 || { echo '## disk'; links; }
elif [ -d /run/openrc ]; then
  for name in sshd ssh dropbear; do
    [ -x "/etc/init.d/$name" ] || continue
    echo '## openrc'; echo "name=$name"
    rc-service "$name" status; echo "status=$?"
    ls -d /etc/runlevels/*/"$name" 2>/dev/null | sed 's/^/start=/'
    break
  done
else
  comm=; [ ! -r /proc/1/comm ] || read -r comm </proc/1/comm
  [ "$comm" = init ] || { echo '## none'; echo "pid1=$comm"; exit 0; }
  echo '## sysvinit'
  for name in ssh sshd dropbear; do
    [ -x "/etc/init.d/$name" ] || continue
    echo "name=$name"
    "/etc/init.d/$name" status; echo "status=$?"
    ls /etc/rc[2-5].d/S*"$name" 2>/dev/null | sed 's/^/start=/'
    break
  done
fi
true
"""
}


class Service(Struct, frozen=True, kw_only=True):
    """One SSH service and, under systemd, its socket unit.

    ``manager``: systemd, openrc, sysvinit, none. ``state``: running, starting, stopping, inactive, failed,
    masked, absent. ``socket_state``: listening, running, inactive, failed, masked, absent.
    ``started`` is in seconds since 1970; ``since`` is when the present state began, as text.
    """

    manager: str
    unit: str
    state: str | Unknown
    at_boot: bool | Unknown
    enabled: str | Unknown = ""
    result: str | Unknown = ""
    since: str = ""
    started: float | Unknown | None = None
    pid: int | Unknown | None = None
    exit_status: int | None = None
    frozen: bool = False
    """systemctl freeze: the kernel runs none of its processes."""
    socket_unit: str | None = None
    socket_state: str | Unknown = "absent"
    socket_enabled: str = ""
    socket_result: str | Unknown = ""
    socket_listens: tuple[str, ...] = ()
    socket_ports: tuple[int, ...] = ()
    socket_connections: int = 0
    """Those that run, each with a server of its own; 0 where one server has them all (Accept=no)."""
    socket_most: int = 0
    """MaxConnections= of it, 0 where one server has them all."""
    socket_most_of_one: int = 0
    """MaxConnectionsPerSource= of it, 0 for no limit."""
    socket_refused: int = 0
    """Connections that systemd closed at once, since the socket unit listens."""
    others: tuple[str, ...] = ()
    """Other SSH servers that start at the boot of a system that does not run."""
    evidence: tuple[Evidence, ...] = ()


VALUE = Service
WRITERS = {"": "root"}

_LSB = {0: "running", 1: "failed", 2: "failed", 3: "inactive"}
_OPENRC = {"started": "running", "starting": "starting", "stopping": "stopping", "stopped": "inactive"}


def on_disk(disk: Disk, user: str) -> Service | Unknown:
    """What the links say of the next boot; whether anything runs is not asked."""
    manager = _service_disk.manager(disk)
    others = _service_disk.others(disk)
    if manager == "systemd":
        return replace(_of_units(disk), others=others)
    name = next((name for name in UNITS if disk.is_program(f"/etc/init.d/{name}")), "")
    if manager == "none" or not name:
        nothing = Unknown("nothing on this disk boots it") if manager == "none" else False
        state = OFF if manager == "none" else "absent"
        return Service(manager=manager, unit="", state=state, at_boot=nothing, others=others)
    links = _service_disk.runlevels(disk, name)
    return Service(
        manager=manager,
        unit=name,
        state=OFF,
        enabled="enabled" if links else "disabled",
        at_boot=bool(links),
        others=others,
        evidence=evidence(f"ls -l /etc/rc?.d /etc/runlevels/* | grep {name}", links or ["(no link)"]),
    )


def _of_units(disk: Disk) -> Service:
    service, socket = _service_disk.unit(disk, "service"), _service_disk.unit(disk, "socket")
    kept_back = disk.is_there(_service_disk.KEPT_BACK)
    words = (
        ("kept back" if kept_back else service.word) if service else "absent",
        socket.word if socket else "",
    )
    listens = _service_disk.listen_streams(disk, socket) if socket and socket.links else ()
    links = (*(service.links if service else ()), *(socket.links if socket else ()))
    paths = [path for path in (service.path if service else "", *links) if path]
    paths += [_service_disk.KEPT_BACK] if kept_back else []
    return Service(
        manager="systemd",
        unit=service.name if service else "ssh.service",
        state=("masked" if service.masked else OFF) if service else "absent",
        enabled=words[0],
        at_boot="enabled" in words and not kept_back,
        result=OFF,
        started=OFF,
        pid=OFF,
        socket_unit=socket.name if socket else None,
        socket_state=("masked" if socket.masked else OFF) if socket else "absent",
        socket_enabled=words[1],
        socket_result=OFF if socket and socket.links else "",
        socket_listens=listens,
        socket_ports=_systemd.ports(listens),
        evidence=evidence("ls -l (units, and the links that start them)", _service_disk.shown(disk, *paths)),
    )


def parse(sections: Mapping[str, Section]) -> Service | Unknown:
    said = parts(sections["unit"].output)
    if "disk" in said:
        return _unreachable(said)
    if "systemd" in said:
        return _of_systemd(_systemd.units(said["systemd"]))
    if "openrc" in said:
        return _of_openrc(said["openrc"])
    if "sysvinit" in said:
        return _of_sysvinit(said["sysvinit"])
    nothing = Unknown("no service manager runs here")
    return Service(manager="none", unit="", state=nothing, at_boot=nothing)


def _of_systemd(units: Mapping[str, Mapping[str, str]]) -> Service:
    service = _systemd.first(units, "ssh.service", "sshd.service")
    socket = _systemd.first(units, "ssh.socket", "sshd.socket")
    state = _systemd.service_state(service)
    listens = _systemd.listens(socket)
    words = service.get("UnitFileState", ""), socket.get("UnitFileState", "")
    each = socket if socket.get("Accept") == "yes" else {}
    return Service(
        manager="systemd",
        unit=service["Id"],
        state=state,
        enabled=words[0],
        at_boot="enabled" in words,
        result=service.get("Result", ""),
        since=service.get("ActiveEnterTimestamp" if state == "running" else "InactiveEnterTimestamp", ""),
        started=_systemd.epoch(service.get("ExecMainStartTimestamp", "")),
        pid=number(service.get("MainPID")) or None,
        exit_status=number(service.get("ExecMainStatus")),
        frozen=service.get("FreezerState") == "frozen",
        socket_unit=None if _systemd.absent(socket) else socket["Id"],
        socket_state=_systemd.socket_state(socket),
        socket_enabled=words[1],
        socket_result=socket.get("Result", ""),
        socket_listens=listens,
        socket_ports=_systemd.ports(listens),
        socket_connections=number(each.get("NConnections")) or 0,
        socket_most=number(each.get("MaxConnections")) or 0,
        socket_most_of_one=number(each.get("MaxConnectionsPerSource")) or 0,
        socket_refused=number(each.get("NRefused")) or 0,
        evidence=_systemd.shown(service) + (() if _systemd.absent(socket) else _systemd.shown(socket)),
    )


def _unreachable(said: Mapping[str, str]) -> Service:
    """systemd runs and does not answer (an unprivileged user where no D-Bus runs): what the disk says."""
    lines = said["systemd"].splitlines()
    reason = Unknown(lines[0] if lines else "systemctl failed")
    disk = _systemd.UnitFiles(said["disk"], UNITS)
    return Service(
        manager="systemd",
        unit=disk.unit("service") or "",
        state=reason if disk.unit("service") else "absent",
        enabled=reason,
        at_boot=disk.enabled,
        started=reason,
        pid=reason,
        socket_unit=disk.unit("socket"),
        socket_state=reason if disk.unit("socket") else "absent",
        evidence=evidence("systemctl status ssh", lines),
    )


def _of_openrc(text: str) -> Service:
    """OpenRC says " * status: started"; an LSB script that it runs (Debian) answers as under sysvinit."""
    word = text.partition("* status: ")[2].split("\n")[0].strip()
    service = _of_sysvinit(text)
    state = "failed" if word == "crashed" else _OPENRC.get(word, service.state)
    return replace(service, manager="openrc", state=state)


def _of_sysvinit(text: str) -> Service:
    said = properties(text)
    if "name" not in said:
        return Service(manager="sysvinit", unit="", state="absent", at_boot=False)
    unit, status = plain_name(said["name"]), int(said["status"])
    lines = [line for line in text.splitlines() if not re.match(r"(name|status|start)=", line)]
    return Service(
        manager="sysvinit",
        unit=unit,
        state=_LSB.get(status, Unknown(f"its init script says {status}")),
        enabled=said.get("start", ""),
        at_boot="start" in said,
        evidence=evidence(f"service {unit} status", lines),
    )
