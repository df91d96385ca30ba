"""openssh-server in the rpm database of a disk, as ``rpm -q`` would print it.

Sources: rpm's ``lib/backend/sqlite.c`` (the tables, and that they are in WAL mode), its manual's "RPM Package
Header format", and measured with rpm 4.18: in the database a header has no magic before its two lengths, and
after every clean end an empty ``-wal`` is left. Only a database of SQLite is read, which rpm has since 4.16;
of Berkeley DB ("Packages") and ndb ("Packages.db") there is no reader in Python. A database that is not
understood to its end is one of which nothing is known: "is not installed" would be a cause.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    import sqlite3

    from sshdoctor.disk import Disk

_NAME = "openssh-server"
_FOLDERS = ("/usr/lib/sysimage/rpm", "/var/lib/rpm")
_KINDS = {"rpmdb.sqlite": "SQLite", "Packages": "Berkeley DB", "Packages.db": "ndb"}
_MOST = 256 * 2**20
"""The most bytes of a database; that of a large system has some two hundred megabytes."""
_MOST_OF_A_HEADER = 16 * 2**20
_SECONDS = 20
"""For the search, which takes 0.7 s in a database of 3000 packages and 175 MiB (measured)."""

_TABLES = """
SELECT count(*) FROM sqlite_master WHERE type = 'table' AND rootpage > 0 AND name IN ('Name', 'Packages')
"""
# Compares the names with their index, so that a damaged name is not taken for a package that is missing.
_WHOLE = "PRAGMA integrity_check(Name)"
# A name without a header gives NULL.
_HEADERS = """
SELECT Packages.blob FROM Name LEFT JOIN Packages ON Packages.hnum = Name.hnum
WHERE Name.key IN (:name, CAST(:name AS BLOB)) ORDER BY Name.hnum LIMIT 8
"""
_NAMELESS = """
SELECT NOT EXISTS (SELECT 1 FROM Packages) OR EXISTS (
  SELECT 1 FROM Packages WHERE hnum NOT IN (SELECT hnum FROM Name WHERE hnum IS NOT NULL))
"""

_TAG_NAME, _TAG_VERSION, _TAG_RELEASE, _TAG_EPOCH = 1000, 1001, 1002, 1003
_WANTED = (_TAG_NAME, _TAG_VERSION, _TAG_RELEASE, _TAG_EPOCH)
_INT32, _STRING = 4, 6
_ENTRY = struct.Struct(">IIiI")


class _UnreadError(Exception):
    """Why nothing is known of the package."""


def rpm_text(disk: Disk) -> tuple[str, str] | None:
    """The word rpm and what ``rpm -q`` would print, or "none" and why not; None where rpm has no folder.

    The version is rpm's %{EVR} (its manual, "RPM Tags"): the epoch is before it only if there is one.
    """
    if not any(disk.is_directory(folder) for folder in _FOLDERS):
        return None
    try:
        path = _database(disk)
        rows = [f"ii |{_NAME}|{_version(header)}|" for header in _headers(_content(disk, path))]
    except _UnreadError as error:
        return "none", str(error)
    except PermissionError:
        raise  # the fact says so itself
    except OSError as error:
        return "none", f"rpm's database could not be read: {error.strerror}"
    return "rpm", "\n".join(rows) or f"package {_NAME} is not installed"


def _database(disk: Disk) -> str:
    """The one database that there is. Of two, only rpm's configuration tells which one counts."""
    candidates = [f"{folder}/{name}" for folder in _FOLDERS for name in _KINDS]
    found = {disk.real(path): path for path in reversed(candidates) if disk.is_file(path)}
    paths = sorted(found.values())
    if not paths:
        raise _UnreadError("rpm has a folder on this disk, but no database that is known")
    if len(paths) > 1:
        raise _UnreadError(f"there is more than one database of rpm: {', '.join(paths)}")
    kind = _KINDS[paths[0].rpartition("/")[2]]
    if kind != "SQLite":
        raise _UnreadError(f"rpm's database {paths[0]} is one of {kind}, which is not read from a disk")
    return paths[0]


def _content(disk: Disk, path: str) -> bytearray:
    """The whole file, made fit for memory."""
    real = disk.real(path)
    for log in ("-wal", "-journal"):
        if disk.is_there(real + log) and disk.stat(real + log).st_size:
            raise _UnreadError(f"{path}{log} has changes that are not yet in rpm's database")
    if disk.stat(path).st_size > _MOST:
        raise _UnreadError(f"rpm's database is larger than {_MOST >> 20} MiB")
    content = bytearray(disk.read(path, most=_MOST))
    if content[18:20] == b"\2\2":  # WAL mode, which no database in memory can have (sqlite3_deserialize)
        content[18:20] = b"\1\1"
    return content


def _headers(content: bytearray) -> list[bytes]:
    """The headers that have the name, as bytes that may be anything."""
    with _opened(content) as database:
        if database.execute(_TABLES).fetchone() != (2,):
            raise _UnreadError("rpm's database has not the tables Name and Packages")
        if database.execute(_WHOLE).fetchone() != ("ok",):
            raise _UnreadError("rpm's database is damaged: its names and their index do not hold together")
        headers = [header for (header,) in database.execute(_HEADERS, {"name": _NAME})]
        if not headers and database.execute(_NAMELESS).fetchone() != (0,):
            raise _UnreadError("rpm's database is not whole: it has no package, or one without a name")
    if not all(isinstance(header, bytes) for header in headers):
        raise _UnreadError(f"rpm's database has the name {_NAME} without its header")
    return headers


@contextmanager
def _opened(content: bytearray) -> Iterator[sqlite3.Connection]:
    """The database in memory, where nothing is written and no path is followed.

    It may be made to do harm: see "Defense Against The Dark Arts" (sqlite.org/security.html).
    """
    try:
        import sqlite3  # a Python may be built without it
    except ImportError:
        raise _UnreadError("this machine's Python has no SQLite to read rpm's database with") from None
    with closing(sqlite3.connect(":memory:")) as database:
        if not hasattr(database, "deserialize"):
            raise _UnreadError("this machine's SQLite cannot read a database from memory")
        end = monotonic() + _SECONDS
        database.set_progress_handler(lambda: monotonic() > end, 1000)
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_OF_A_HEADER)
        try:
            database.deserialize(content)
            database.execute("PRAGMA trusted_schema = OFF")
            database.execute("PRAGMA cell_size_check = ON")
            yield database
        # Its messages quote the file, which may be no text; for an empty one it says that memory is short.
        except (sqlite3.Error, UnicodeDecodeError, MemoryError) as error:
            name = getattr(error, "sqlite_errorname", type(error).__name__)
            raise _UnreadError(f"SQLite cannot read rpm's database: {name}") from None


def _version(blob: bytes) -> str:
    """``[EPOCH:]VERSION-RELEASE`` of a header that is openssh-server's."""
    header = _Header.of(blob)
    if header.text(_TAG_NAME) != _NAME:
        raise _malformed("it has another name")
    epoch = f"{header.number(_TAG_EPOCH)}:" if _TAG_EPOCH in header.entries else ""
    return f"{epoch}{header.text(_TAG_VERSION)}-{header.text(_TAG_RELEASE)}"


class _Header(Struct, frozen=True):
    """``entries``: of each wanted tag its type, offset in the store, and count."""

    entries: dict[int, tuple[int, int, int]]
    store: bytes

    @classmethod
    def of(cls, blob: bytes) -> _Header:
        """The two lengths must come to the length of all, as rpm itself wants it (hdrblobInit)."""
        if len(blob) < 8:
            raise _malformed("it is too short")
        count, size = struct.unpack_from(">II", blob)
        store = 8 + count * _ENTRY.size
        if len(blob) != store + size:
            raise _malformed("its lengths do not fit")
        rows = [row for row in _ENTRY.iter_unpack(blob[8:store]) if row[0] in _WANTED]
        entries = {tag: (kind, offset, number) for tag, kind, offset, number in rows}
        if len(entries) != len(rows):
            raise _malformed("a tag is there twice")
        return cls(entries, blob[store:])

    def text(self, tag: int) -> str:
        """A string; rpmbuild allows no other characters in a name, a version or a release."""
        offset = self._offset(tag, _STRING)
        end = self.store.find(b"\0", offset)
        found = re.fullmatch(rb"[\w.+~^%{}-]{1,255}", self.store[offset:end]) if end >= 0 else None
        if not found:
            raise _malformed(f"tag {tag} is no such string")
        return found[0].decode("ascii")

    def number(self, tag: int) -> int:
        offset = self._offset(tag, _INT32)
        if offset % 4 or offset + 4 > len(self.store):
            raise _malformed(f"tag {tag} is no such number")
        return int.from_bytes(self.store[offset : offset + 4], "big")

    def _offset(self, tag: int, wanted: int) -> int:
        kind, offset, count = self.entries.get(tag, (0, 0, 0))
        if (kind, count) != (wanted, 1) or not 0 <= offset < len(self.store):
            raise _malformed(f"tag {tag} is missing or not as it should be")
        return offset


def _malformed(why: str) -> _UnreadError:
    return _UnreadError(f"the header of {_NAME} in rpm's database is malformed: {why}")
