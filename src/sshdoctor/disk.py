"""The file tree of a system that does not run, read as data: nothing in it is ever executed.

A mounted disk may be a stranger's. Its links are followed as that system itself would follow them: an
absolute one begins at the disk's root, and ``..`` does not lead out of it (as openat2(2) has it for
RESOLVE_IN_ROOT). Each part of a path is opened on its own, without following, so that nothing can be swapped
in between. Only regular files are read: a FIFO or a device would hold or harm whoever opens it.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import stat
import time
from collections import deque
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

LIMIT = 8 * 2**20
"""The most bytes that are read of one file."""

MOST_LOOKS = 10_000
"""How often a disk is looked at for one fact (an ordinary one takes some hundred)."""

MOST_BYTES = 256 * 2**20
"""The most bytes that are read of one disk, all files together."""

_MOST_LINKS = 40
_PASS = getattr(os, "O_PATH", os.O_RDONLY) | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY


class EndlessDiskError(Exception):
    """What is asked takes more of the disk than it may; the message says of what: looks, bytes or seconds."""


class Disk:
    """The tree under ``root``; every path is one of that system, such as ``/etc/passwd``.

    All methods raise OSError as their counterparts of ``os`` do; those that say so give None instead. What
    may not be looked at raises PermissionError everywhere but there: it is not what is missing.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._looks = MOST_LOOKS
        self._bytes = MOST_BYTES
        self._seconds = self._ends = math.inf

    def begin_all(self, seconds: float) -> None:
        """The whole disk is read from now on, within ``seconds``; over that, EndlessDiskError."""
        self._seconds, self._ends = seconds, time.monotonic() + seconds
        self._bytes = MOST_BYTES

    def begin(self) -> None:
        """What is read now is of another fact, with looks of its own; over them, EndlessDiskError."""
        self._looks = MOST_LOOKS
        self._in_time()

    def stat(self, path: str) -> os.stat_result:
        """The status of what ``path`` comes to."""
        with self._reached(path) as (parent, name):
            return os.stat(name, dir_fd=parent, follow_symlinks=False)

    def link(self, path: str) -> str | None:
        """Where ``path`` itself points, as written; None if it is no symbolic link, or not there."""
        try:
            with self._reached(path, last=False) as (parent, name):
                return os.readlink(name, dir_fd=parent)
        except OSError:
            return None

    def real(self, path: str) -> str:
        """The path without any link that ``path`` comes to."""
        with self._walk(path, last=True) as (_, parts):
            return "/" + "/".join(parts)

    def read_program(self, path: str) -> bytes:
        """All of a program, which may be four times as large as another file."""
        return self.read(path, most=4 * LIMIT)

    def read(self, path: str, *, most: int = LIMIT, tail: bool = False) -> bytes:
        """At most ``most`` bytes of a regular file: its beginning, or with ``tail`` its end."""
        with self._reached(path) as (parent, name):
            _regular(os.stat(name, dir_fd=parent, follow_symlinks=False), path)
            with open(os.open(name, _READ, dir_fd=parent), "rb") as file:  # noqa: PTH123 -- a descriptor
                status = os.fstat(file.fileno())
                _regular(status, path)
                if tail and status.st_size > most:
                    file.seek(-most, os.SEEK_END)
                return self._counted(file.read(most))

    def text(self, path: str) -> str:
        """The file as text; bytes that are none are shown by their numbers."""
        return self.read(path).decode("utf-8", "backslashreplace")

    def text_if_any(self, path: str) -> str | None:
        """The same, None where no such file is, or none that may be read."""
        try:
            return self.text(path)
        except OSError:
            return None

    def names(self, path: str) -> tuple[str, ...]:
        """What is in a directory, sorted; nothing if it is none."""
        with _nothing_there(), self._reached(path) as (parent, name):
            folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
            try:
                return tuple(sorted(os.listdir(folder)))  # noqa: PTH208 -- a descriptor
            finally:
                os.close(folder)
        return ()

    def glob(self, pattern: str) -> tuple[str, ...]:
        """The paths that match, sorted; ``*`` stands within one part, and matches no leading dot."""
        found = [""]
        for part in pattern.strip("/").split("/"):
            if any(sign in part for sign in "*?["):
                found = [
                    f"{folder}/{name}"
                    for folder in found
                    for name in self.names(folder or "/")
                    if fnmatchcase(name, part) and (part.startswith(".") or not name.startswith("."))
                ]
            else:
                found = [f"{folder}/{part}" for folder in found]
        return tuple(path for path in found if self.is_there(path))

    def is_there(self, path: str) -> bool:
        """Whether there is something, were it a link that leads nowhere."""
        with _nothing_there(), self._reached(path, last=False) as (parent, name):
            os.stat(name, dir_fd=parent, follow_symlinks=False)
            return True
        return False

    def is_file(self, path: str) -> bool:
        with _nothing_there():
            return stat.S_ISREG(self.stat(path).st_mode)
        return False

    def is_directory(self, path: str) -> bool:
        with _nothing_there():
            return stat.S_ISDIR(self.stat(path).st_mode)
        return False

    def is_program(self, path: str) -> bool:
        return self.is_file(path) and bool(self.stat(path).st_mode & 0o111)

    def _in_time(self) -> None:
        if time.monotonic() > self._ends:
            raise EndlessDiskError(f"this disk takes more than {self._seconds:g} s to read (--timeout)")

    def _counted(self, content: bytes) -> bytes:
        self._bytes -= len(content)
        if self._bytes < 0:
            raise EndlessDiskError(f"more than {MOST_BYTES // 2**20} MB of this disk would have to be read")
        self._in_time()
        return content

    @contextlib.contextmanager
    def _reached(self, path: str, *, last: bool = True) -> Iterator[tuple[int, str]]:
        """The open parent of what ``path`` comes to, and its name there, which is then no link."""
        with self._walk(path, last=last) as (folders, parts):
            yield (folders[-1], parts[-1]) if parts else (folders[0], ".")

    @contextlib.contextmanager
    def _walk(self, path: str, *, last: bool) -> Iterator[tuple[list[int], list[str]]]:
        """The open directories down to the parent, and the parts of the real path; ``last``: the last part
        is followed too if it is a link."""
        self._looks -= 1
        if self._looks < 0:
            raise EndlessDiskError(f"it takes more than {MOST_LOOKS:,} looks at the disk")
        self._in_time()
        folders = [os.open(self.root, _PASS | os.O_DIRECTORY)]
        parts: list[str] = []
        try:
            self._descend(deque(path.split("/")), folders, parts, last)
            yield folders, parts
        finally:
            for folder in folders:
                os.close(folder)

    @staticmethod
    def _descend(ahead: deque[str], folders: list[int], parts: list[str], last: bool) -> None:
        """Invariant: ``folders`` has the root and every part but the last one of ``parts``."""
        links = 0
        while ahead:
            name = ahead.popleft()
            if name in ("", "."):
                continue
            if name == "..":
                if parts:
                    parts.pop()
                    _close_beyond(folders, max(1, len(parts)))
                continue
            if parts and len(folders) == len(parts):
                folders.append(_folder(parts[-1], folders[-1]))
            target = _target(name, folders[-1]) if last or any(ahead) else None
            if target is None:
                parts.append(name)
                continue
            links += 1
            if links > _MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), "/".join(parts))
            if target.startswith("/"):
                parts.clear()
                _close_beyond(folders, 1)
            ahead.extendleft(reversed(target.split("/")))


@contextlib.contextmanager
def _nothing_there() -> Iterator[None]:
    """Passes over what says that a path leads nowhere, and over nothing else."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            raise


def _close_beyond(folders: list[int], length: int) -> None:
    """Close what is beyond ``length``."""
    while len(folders) > length:
        os.close(folders.pop())


def _folder(name: str, parent: int) -> int:
    return os.open(name, _PASS | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)


def _target(name: str, parent: int) -> str | None:
    """Where the link ``name`` points, None if it is none; what is missing is found out by who opens it."""
    try:
        return os.readlink(name, dir_fd=parent)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.EINVAL:  # it is no link
            return None
        raise


def _regular(status: os.stat_result, path: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", path)
