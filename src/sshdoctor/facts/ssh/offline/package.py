"""The package of the SSH server in the package database of a disk, as the package manager would print it.

Sources: dpkg's status file (deb822(5), dpkg-query(1) for its letters), apk-installed(5), pacman's local
database; for rpm see _rpm_disk.
"""

from __future__ import annotations

import re

from sshdoctor.disk import Disk
from sshdoctor.facts.ssh.offline.rpm import rpm_text

_STATUS = "/var/lib/dpkg/status"
_APK = ("/lib/apk/db/installed", "/usr/lib/apk/db/installed")
_WANTED = {"unknown": "u", "install": "i", "hold": "h", "deinstall": "r", "purge": "p"}
_STATES = {
    "not-installed": "n",
    "config-files": "c",
    "half-installed": "H",
    "unpacked": "U",
    "half-configured": "F",
    "triggers-awaited": "W",
    "triggers-pending": "t",
    "installed": "i",
}


def package_text(disk: Disk) -> tuple[str, str]:
    """The package manager, and what it would print; "none" and why not."""
    if disk.is_file(_STATUS):
        return "dpkg", _dpkg(disk)
    for path in _APK:
        if (text := disk.text_if_any(path)) is not None:
            found = re.search(r"^P:openssh-server\nV:(\S+)$", text, re.M)
            return "apk", f"openssh-server-{found[1]}" if found else ""
    if disk.is_directory("/var/lib/pacman/local"):
        names = (name for name in disk.names("/var/lib/pacman/local") if re.match(r"openssh-\d", name))
        return "pacman", next((name.replace("-", " ", 1) for name in names), "")
    return rpm_text(disk) or ("none", "no package manager that is known")


def _dpkg(disk: Disk) -> str:
    """The status file of a large system has some ten megabytes."""
    text = disk.read(_STATUS, most=128 * 2**20).decode("utf-8", "backslashreplace")
    stanza = re.search(r"^Package: openssh-server\n(?:.+\n)*", text, re.M)
    status = re.search(r"^Status: (\S+) (\S+) (\S+)$", stanza[0], re.M) if stanza else None
    if not stanza or not status:
        return "dpkg-query: no packages found matching openssh-server"
    version = re.search(r"^Version: (\S+)$", stanza[0], re.M)
    letters = _WANTED.get(status[1], "?") + _STATES.get(status[3], "?")
    return f"{letters} |openssh-server|{version[1] if version else ''}|"
