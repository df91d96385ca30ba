"""The journal on a disk, read by this machine's journalctl: data that our own program takes apart."""

from __future__ import annotations

import subprocess
from pathlib import Path

from sshdoctor.disk import Disk
from sshdoctor.model import Unknown

_FOLDER = "/var/log/journal"
_SECONDS = 10


def journal(disk: Disk, *asked: str) -> str | Unknown:
    """What the last boot on the disk wrote, of what is ``asked`` for (journalctl(1), ``-D`` and ``-b``)."""
    folders = [f"{_FOLDER}/{name}" for name in disk.names(_FOLDER)]
    files = [path for folder in folders for path in disk.glob(f"{folder}/*.journal")]
    if not files:
        return Unknown("no journal is kept on this disk")
    if any(disk.link(path) is not None for path in (*folders, *files)):
        return Unknown("its journal has links, which may lead out of the disk")
    where = Path(f"{disk.root}{disk.real(_FOLDER)}")
    command = ("journalctl", "-D", str(where), "-q", "-b", "-o", "short-iso", "--utc", "--no-pager", *asked)
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False
        )
    except FileNotFoundError:
        return Unknown("journalctl is not installed here")
    except subprocess.TimeoutExpired:
        return Unknown("journalctl did not end")
    if done.returncode:
        said = done.stderr.decode("utf-8", "backslashreplace").strip().partition("\n")[0]
        return Unknown(f"journalctl: {said or done.returncode}")
    return done.stdout.decode("utf-8", "backslashreplace")
