"""A mounted disk: the files of a system that does not run here, or anywhere."""

from __future__ import annotations

import os
from pathlib import Path

from sshdoctor.access.base import Output
from sshdoctor.disk import Disk
from sshdoctor.errors import AccessError
from sshdoctor.model import Become

_RUNS_NOTHING = "nothing is run on a mounted disk: its programs may be anybody's, and its services do not run"


class ChrootAccess:
    """Its files are read by this program (see disk.py); nothing of that system, and nothing in it, is run."""

    via = "chroot"

    def __init__(self, root: Path, become: Become | None) -> None:
        self.disk = Disk(root)
        self.detail = f"the disk mounted at {root}, whose system is not running"
        short = become is not None and os.geteuid() != 0
        self.privileges = (
            "a disk is read as the user who runs this: run it as root to see all" if short else ""
        )

    def run(self, script: str, *, timeout: float, limit: int = 64 * 2**20, stop: str = "") -> Output:
        """Raises AccessError ``not-running``, always."""
        raise AccessError("not-running", _RUNS_NOTHING)

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
