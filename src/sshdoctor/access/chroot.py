"""A mounted disk: the files of a system that does not run here, or anywhere.

Sources for the repair: unshare(1), pid_namespaces(7), network_namespaces(7), chroot(1).
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

from sshdoctor.access.base import Output
from sshdoctor.access.process import ProcessAccess
from sshdoctor.disk import Disk
from sshdoctor.errors import AccessError
from sshdoctor.model import Become
from sshdoctor.services import load, names

# Processes, mounts, host name and network of its own: nothing of this machine can be met from there.
# What running servers would have in /run is needed to test their configuration.
_APART = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc", "--net")
_ENTER = """
mount -t proc proc "$0/proc"
mount -t tmpfs -o mode=755 tmpfs "$0/run"
mount --rbind /dev "$0/dev"
for folder in {}; do mkdir -m 755 "$0$folder"; done
exec chroot "$0" "$@"
"""


class ChrootAccess:
    """Its files are read by this program (see disk.py): to look, nothing of that system is run.

    Only a repair that was agreed to runs its programs, in a chroot, apart from this machine.
    """

    via = "chroot"

    def __init__(self, root: Path, become: Become | None) -> None:
        self.disk = Disk(root)
        enter = _ENTER.format(" ".join(load(name).run_folder for name in names()))
        prefix = (*_APART, "sh", "-ec", enter, str(root))
        self._inside = ProcessAccess(self.via, "", prefix, None, timeout=10)
        self.detail = f"the disk mounted at {root}, whose system is not running"
        short = become is not None and os.geteuid() != 0
        self.privileges = (
            "a disk is read as the user who runs this: run it as root to see all" if short else ""
        )

    def run(self, script: str, *, timeout: float, limit: int = 64 * 2**20, stop: str = "") -> Output:
        """Raises AccessError ``not-permitted`` for who is not root, ``not-installed`` without util-linux."""
        if os.geteuid() != 0:
            raise AccessError("not-permitted", "only root can repair a mounted disk")
        return self._inside.run(script, timeout=timeout, limit=limit, stop=stop)

    def stream(self, argv: tuple[str, ...]) -> socket.socket:
        """Raises AccessError: no program of that system talks to others."""
        raise AccessError("unsupported", "a mounted disk dials nobody")

    def close(self) -> None:
        """Nothing is open."""


def open_chroot(root: str, *, become: Become | None = None) -> ChrootAccess:
    """Raises AccessError ``not-mounted`` where a system's files are not at ``root``, or only some of them,
    since what is on another file system would be taken for missing; ``unsupported`` for this machine's own
    root, whose system runs."""
    access = ChrootAccess(Path(root), become)
    if not Path(root).is_dir():
        raise AccessError("not-mounted", f"{root} is no directory")
    if Path(root).samefile("/"):
        raise AccessError("unsupported", f"{root} is this machine itself: use connection: local")
    if not access.disk.is_directory("/etc"):
        raise AccessError("not-mounted", f"{root} has no /etc: no system is mounted there")
    if not any(access.disk.names(folder) for folder in ("/usr/bin", "/bin")):
        raise AccessError("not-mounted", f"{root}/usr has no programs: mount that file system there as well")
    return access
