"""What starts at the boot of a system that does not run, by the links on its disk.

Sources: systemd.unit(5) (the order of the unit folders; a unit that is a link to /dev/null, or empty, is
masked; .wants and .requires), systemd.socket(5) ListenStream=, Debian's ssh.service (it is kept back by
/etc/ssh/sshd_not_to_be_run), the links of sysvinit and OpenRC.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from sshdoctor.disk import Disk
from sshdoctor.services.ssh.programs import OTHER_SERVERS, UNITS

KEPT_BACK = "/etc/ssh/sshd_not_to_be_run"
_FOLDERS = (
    "/etc/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
_NOT_AT_BOOT = re.compile(r"/(rescue|emergency|halt|poweroff|reboot|shutdown)\.target\.")
_RUNLEVELS = ("/etc/rc[2-5].d/S[0-9][0-9]{}", "/etc/runlevels/default/{}", "/etc/runlevels/boot/{}")


class UnitOnDisk(Struct, frozen=True):
    """A unit by the first of its names that is there. ``links`` are those that start it at boot."""

    name: str
    path: str
    masked: bool
    links: tuple[str, ...]

    @property
    def word(self) -> str:
        """As systemctl(1) ``is-enabled`` has it."""
        return "masked" if self.masked else "enabled" if self.links else "disabled"


def manager(disk: Disk) -> str:
    """systemd, openrc, sysvinit, or none where nothing is there that boots."""
    if any(disk.is_program(f"{folder}/systemd/systemd") for folder in ("/usr/lib", "/lib")):
        return "systemd"
    if any(disk.is_program(f"{folder}/openrc") for folder in ("/sbin", "/usr/sbin")):
        return "openrc"
    return "sysvinit" if disk.is_program("/sbin/init") else "none"


def unit(disk: Disk, kind: str) -> UnitOnDisk | None:
    """The SSH service or socket unit; Debian says ssh, others say sshd."""
    names = tuple(f"{name}.{kind}" for name in UNITS)
    found = [(name, path) for name in names if (path := _path(disk, name))]
    if not found:
        return None
    masked = next(((name, path) for name, path in found if _is_masked(disk, path)), None)
    name, path = masked or found[0]
    started = () if masked else tuple(link for each in names for link in _started_by(disk, each))
    return UnitOnDisk(name, path, masked is not None, started)


def others(disk: Disk) -> tuple[str, ...]:
    """Other SSH servers that start at boot."""
    return tuple(
        name
        for name in OTHER_SERVERS
        if any(any(_started_by(disk, f"{name}.{kind}")) for kind in ("service", "socket"))
        or runlevels(disk, name)
    )


def runlevels(disk: Disk, name: str) -> tuple[str, ...]:
    """The links by which sysvinit or OpenRC starts ``name``."""
    return tuple(path for pattern in _RUNLEVELS for path in disk.glob(pattern.format(name)))


def listen_streams(disk: Disk, found: UnitOnDisk) -> tuple[str, ...]:
    """What a socket unit and its drop-ins bind, as systemd shows it: a bare port is for both families."""
    drop_ins = [path for folder in _FOLDERS for path in disk.glob(f"{folder}/{found.name}.d/*.conf")]
    streams: list[str] = []
    for path in (found.path, *sorted(drop_ins, key=lambda path: path.rpartition("/")[2])):
        for value in re.findall(r"^ListenStream=[ \t]*(\S*)[ \t]*$", disk.text_if_any(path) or "", re.M):
            streams = [*streams, f"[::]:{value}" if value.isdecimal() else value] if value else []
    return tuple(streams)


def shown(disk: Disk, *paths: str) -> list[str]:
    """The paths as ``ls -l`` shows links."""
    return [f"{path} -> {target}" if (target := disk.link(path)) else path for path in paths]


def _path(disk: Disk, name: str) -> str | None:
    """Where the unit is; a link that an uninstalled package left behind is no unit."""
    paths = (f"{folder}/{name}" for folder in _FOLDERS)
    return next((path for path in paths if disk.is_file(path) or _end(disk, path) == "/dev/null"), None)


def _is_masked(disk: Disk, path: str) -> bool:
    if disk.is_file(path):
        return disk.stat(path).st_size == 0
    return disk.link(path) is not None and _end(disk, path) == "/dev/null"


def _end(disk: Disk, path: str) -> str:
    """Where a link ends; a disk may be without the /dev in which /dev/null would be looked for."""
    try:
        return disk.real(path)
    except OSError:
        return disk.link(path) or ""


def _started_by(disk: Disk, name: str) -> Iterator[str]:
    if _path(disk, name) is None:
        return
    for folder in _FOLDERS:
        for kind in ("wants", "requires"):
            for path in disk.glob(f"{folder}/*.target.{kind}/{name}"):
                if not _NOT_AT_BOOT.search(path):
                    yield path
