"""What rpm's database on a disk says of openssh-server, and that one in disorder never says "absent"."""

from __future__ import annotations

import errno
import os
import sqlite3
import struct
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hosts import engine
from hosts.testbed import Testbed, TestHost
from sshdoctor.disk import Disk
from sshdoctor.facts.ssh import package
from sshdoctor.facts.ssh.offline import rpm as _rpm_disk
from sshdoctor.model import Unknown

NAME, VERSION, RELEASE, EPOCH = 1000, 1001, 1002, 1003
STRING, INT32 = 6, 4
Entry = tuple[int, int, int, int]
STORE = b"openssh-server\0" + b"9.9p1\0" + b"7.el10\0" + b"\0\0\0\2"
ENTRIES: tuple[Entry, ...] = (
    (63, 7, 0, 16),
    (NAME, STRING, 0, 1),
    (VERSION, STRING, 15, 1),
    (RELEASE, STRING, 21, 1),
)
WITH_EPOCH: Entry = (EPOCH, INT32, 28, 1)
# As rpm 4.18 makes them.
TABLES = """
CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT,blob BLOB NOT NULL);
CREATE TABLE 'Name' (key 'TEXT' NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL,
  FOREIGN KEY (hnum) REFERENCES 'Packages'(hnum));
CREATE INDEX 'Name_key_idx' ON 'Name'(key ASC);
"""


def header(entries: Sequence[Entry] = ENTRIES, store: bytes = STORE) -> bytes:
    index = b"".join(struct.pack(">IIiI", *entry) for entry in entries)
    return struct.pack(">II", len(entries), len(store)) + index + store


def make(root: Path, rows: Sequence[tuple[str, object]], folder: str = "var/lib/rpm") -> Path:
    """A database in WAL mode, as rpm's are, with those names and headers."""
    path = root / folder / "rpmdb.sqlite"
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript(TABLES)
        for number, (name, blob) in enumerate(rows, 1):
            database.execute("INSERT INTO Name VALUES (?, ?, 0)", (name, number))
            if blob is not None:
                database.execute("INSERT INTO Packages VALUES (?, ?)", (number, blob))
        database.commit()
    return path


def told(root: Path) -> tuple[str | Unknown, str]:
    """The state of the package and its version."""
    found = package.on_disk(Disk(root), "deploy")
    assert isinstance(found, package.Package)
    return found.state, found.version


def reason(root: Path) -> str:
    state, version = told(root)
    assert isinstance(state, Unknown)
    assert version == ""
    return state.reason


def test_an_installed_package_has_its_version(tmp_path: Path) -> None:
    make(tmp_path, [("bash", header()), ("openssh-server", header())])
    assert told(tmp_path) == ("installed", "9.9p1-7.el10")


def test_an_epoch_stands_before_the_version(tmp_path: Path) -> None:
    make(tmp_path, [("openssh-server", header([*ENTRIES, WITH_EPOCH]))])
    assert told(tmp_path) == ("installed", "2:9.9p1-7.el10")


def test_a_database_without_the_package_says_that_it_is_absent(tmp_path: Path) -> None:
    make(tmp_path, [("openssh-server-sysvinit", header()), ("openssh", header())])
    assert told(tmp_path) == ("absent", "")


def test_links_between_the_two_folders_lead_to_one_database(tmp_path: Path) -> None:
    make(tmp_path, [("openssh-server", header())], "usr/lib/sysimage/rpm")
    (tmp_path / "var/lib").mkdir(parents=True)
    (tmp_path / "var/lib/rpm").symlink_to("/usr/lib/sysimage/rpm")
    assert told(tmp_path) == ("installed", "9.9p1-7.el10")


def test_of_two_databases_none_is_believed(tmp_path: Path) -> None:
    make(tmp_path, [("openssh-server", header())])
    make(tmp_path, [("bash", header())], "usr/lib/sysimage/rpm")
    both = "/usr/lib/sysimage/rpm/rpmdb.sqlite, /var/lib/rpm/rpmdb.sqlite"
    assert reason(tmp_path) == f"there is more than one database of rpm: {both}"


def test_nothing_is_written_beside_the_database(tmp_path: Path) -> None:
    path = make(tmp_path, [("openssh-server", header())])
    before = path.read_bytes()
    told(tmp_path)
    assert [file.name for file in path.parent.iterdir()] == ["rpmdb.sqlite"]
    assert path.read_bytes() == before


def test_an_empty_log_as_rpm_leaves_it_is_no_obstacle(tmp_path: Path) -> None:
    Path(f"{make(tmp_path, [('openssh-server', header())])}-wal").touch()
    assert told(tmp_path) == ("installed", "9.9p1-7.el10")


@pytest.mark.parametrize("log", ["-wal", "-journal"])
def test_changes_that_are_not_in_the_database_yet_leave_it_unknown(tmp_path: Path, log: str) -> None:
    path = make(tmp_path, [("bash", header())])
    Path(f"{path}{log}").write_bytes(b"more")
    assert reason(tmp_path).startswith(f"/var/lib/rpm/rpmdb.sqlite{log} has changes")


def test_the_log_is_sought_where_the_database_really_is(tmp_path: Path) -> None:
    path = make(tmp_path, [("bash", header())], "srv")
    Path(f"{path}-wal").write_bytes(b"more")
    (tmp_path / "var/lib/rpm").mkdir(parents=True)
    (tmp_path / "var/lib/rpm/rpmdb.sqlite").symlink_to("/srv/rpmdb.sqlite")
    assert "has changes" in reason(tmp_path)


@pytest.mark.parametrize(("name", "kind"), [("Packages", "Berkeley DB"), ("Packages.db", "ndb")])
def test_a_database_of_another_kind_is_named(tmp_path: Path, name: str, kind: str) -> None:
    (tmp_path / "var/lib/rpm").mkdir(parents=True)
    (tmp_path / "var/lib/rpm" / name).write_bytes(b"anything")
    assert reason(tmp_path).startswith(f"rpm's database /var/lib/rpm/{name} is one of {kind}")


def test_a_folder_without_a_database_leaves_it_unknown(tmp_path: Path) -> None:
    (tmp_path / "var/lib/rpm").mkdir(parents=True)
    os.mkfifo(tmp_path / "var/lib/rpm/rpmdb.sqlite")
    assert "no database that is known" in reason(tmp_path)


def test_a_database_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = make(tmp_path, [("bash", header())])
    os.truncate(path, 256 * 2**20 + 1)
    assert reason(tmp_path) == "rpm's database is larger than 256 MiB"


def test_a_disk_that_fails_is_not_an_empty_one(tmp_path: Path) -> None:
    Path(f"{make(tmp_path, [('bash', header())])}-wal").symlink_to("nothing")
    assert reason(tmp_path) == f"rpm's database could not be read: {os.strerror(errno.ENOENT)}"


@pytest.mark.parametrize(
    "content", [b"", b"x", b"SQLite format 3\0", b"SQLite format 3\0\x10\0\2\2", b"\0" * 8192]
)
def test_a_file_that_is_no_database_leaves_it_unknown(tmp_path: Path, content: bytes) -> None:
    make(tmp_path, []).write_bytes(content)
    assert "rpm's database" in reason(tmp_path)


def test_a_database_that_breaks_off_leaves_it_unknown(tmp_path: Path) -> None:
    path = make(tmp_path, [(f"package{number}", header()) for number in range(200)])
    whole = path.read_bytes()
    for length in range(512, len(whole), 512):
        path.write_bytes(whole[:length])
        assert "rpm's database" in reason(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM Name; DELETE FROM Packages",
        "DELETE FROM Name WHERE key = 'openssh-server'",
        "UPDATE Packages SET hnum = 9",
        "UPDATE Packages SET blob = 'text'",
        "UPDATE Packages SET blob = zeroblob(17000000)",
        "DROP TABLE Name",
        "DROP TABLE Packages",
        "DROP TABLE Name; CREATE VIEW Name AS"
        " WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n)"
        " SELECT 'bash' AS key, i AS hnum FROM n",
        "DROP TABLE Name; CREATE TABLE Name (name TEXT, hnum INTEGER)",
    ],
)
def test_tables_in_disorder_leave_it_unknown(tmp_path: Path, change: str) -> None:
    path = make(tmp_path, [("openssh-server", header())])
    with closing(sqlite3.connect(path)) as database:
        database.executescript(change)
    assert "rpm's database" in reason(tmp_path)


@pytest.mark.parametrize("which", [0, -1], ids=["the first", "the last"])
def test_a_name_that_differs_from_its_index_leaves_it_unknown(tmp_path: Path, which: int) -> None:
    path = make(tmp_path, [("openssh-server", header(store=b""))])
    content = path.read_bytes()
    at = [content.find(b"openssh-server"), content.rfind(b"openssh-server")][which]
    path.write_bytes(content[:at] + b"openssh-servez" + content[at + 14 :])
    assert "do not hold together" in reason(tmp_path)


def test_a_tree_that_never_ends_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_rpm_disk, "_SECONDS", 0.2)
    path = make(tmp_path, [("bash", header())])
    content = bytearray(path.read_bytes())
    with closing(sqlite3.connect(path)) as database:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'Packages'"
        (root,), (size,) = (database.execute(text).fetchone() for text in (query, "PRAGMA page_size"))
    leaf = content[(root - 1) * size : root * size]
    first = len(content) // size + 1
    for level in range(4):  # each page lists the next one 300 times: 300^4 leaves
        child = first + level
        page = _interior(size, child)
        if level == 0:
            content[(root - 1) * size : root * size] = page
        else:
            content += page
    content += leaf
    content[28:32] = struct.pack(">I", len(content) // size)
    path.write_bytes(content)
    assert reason(tmp_path) == "SQLite cannot read rpm's database: SQLITE_INTERRUPT"


def _interior(size: int, child: int) -> bytes:
    """A page of a table's tree that has the same child 300 times (sqlite.org/fileformat.html, 1.6)."""
    cells = 300
    start = size - 5 * cells
    head = struct.pack(">BHHHBI", 5, 0, cells, start, 0, child)
    pointers = struct.pack(f">{cells}H", *range(start, size, 5))
    return (head + pointers).ljust(start, b"\0") + struct.pack(">IB", child, 1) * cells


BAD_HEADERS = {
    "empty": b"",
    "no index": header([], b""),
    "cut short": header()[:-1],
    "too long": header() + b"\0",
    "more entries than bytes": struct.pack(">II", 2**32 - 1, 8) + bytes(64),
    "more store than bytes": struct.pack(">II", 0, 2**32 - 1) + bytes(64),
    "another name": header(store=STORE.replace(b"openssh-", b"openbsd-")),
    "no version": header([entry for entry in ENTRIES if entry[0] != VERSION]),
    "two versions": header([*ENTRIES, (VERSION, STRING, 15, 1)]),
    "a version of another type": header([*ENTRIES[:2], (VERSION, INT32, 16, 1), ENTRIES[3]]),
    "a release before the store": header([*ENTRIES[:3], (RELEASE, STRING, -15, 1)]),
    "a release behind the store": header([*ENTRIES[:3], (RELEASE, STRING, len(STORE), 1)]),
    "a release without an end": header(store=STORE[:27]),
    "an empty release": header([*ENTRIES[:3], (RELEASE, STRING, 20, 1)]),
    "no release in the list": header([*ENTRIES[:3], (RELEASE, STRING, 21, 0)]),
    "a version with lines": header(store=STORE.replace(b"9.9p1", b"9|\nii")),
    "a version beyond ASCII": header(store=STORE.replace(b"9.9p1", b"9.\xff\xfe1")),
    "an epoch behind the store": header([*ENTRIES, (EPOCH, INT32, 32, 1)]),
    "an epoch not aligned": header([*ENTRIES, (EPOCH, INT32, 26, 1)]),
    "an epoch that is a string": header([*ENTRIES, (EPOCH, STRING, 15, 1)]),
    "two epochs": header([*ENTRIES, (EPOCH, INT32, 28, 2)]),
}


@pytest.mark.parametrize("blob", BAD_HEADERS.values(), ids=BAD_HEADERS)
def test_a_malformed_header_leaves_it_unknown(tmp_path: Path, blob: bytes) -> None:
    make(tmp_path, [("openssh-server", blob)])
    assert reason(tmp_path).startswith("the header of openssh-server in rpm's database is malformed: ")


@settings(deadline=None)  # a busy machine is no fault
@given(st.integers(0, len(header([*ENTRIES, WITH_EPOCH])) - 1), st.binary(max_size=6))
@example(0, b"\xff\xff\xff\xff")
def test_a_header_with_other_bytes_never_says_absent(at: int, other: bytes) -> None:
    blob = bytearray(header([*ENTRIES, WITH_EPOCH]))
    blob[at : at + len(other)] = other
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), [("openssh-server", bytes(blob))])
        state, version = told(Path(folder))
    assert (state == "installed" and version) or isinstance(state, Unknown)


@settings(deadline=None)  # a busy machine is no fault
@given(st.integers(0, 2**14), st.binary(min_size=1, max_size=8))
def test_a_database_with_other_bytes_breaks_nothing(at: int, other: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = make(Path(folder), [("bash", header()), ("openssh-server", header())])
        content = bytearray(path.read_bytes())
        content[at : at + len(other)] = other
        path.write_bytes(content)
        assert isinstance(told(Path(folder))[0], str | Unknown)


def test_a_python_without_sqlite_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, [("openssh-server", header())])
    monkeypatch.setitem(sys.modules, "sqlite3", None)
    assert "Python has no SQLite" in reason(tmp_path)


# Debian's rpm keeps its database in root's home, where no rpm system has it.
BUILD = """
mkdir -p /etc/rpm; echo '%_dbpath /var/lib/rpm' >/etc/rpm/macros
build() {
  printf '%s\\n' "Name: $1" "$2" "Version: $3" "Release: $4" 'Summary: s' 'License: MIT' \
    'BuildArch: noarch' %description d "$5" 'sleep 60' %files >/srv/own.spec
  rpmbuild -bb --quiet --define '_rpmdir /srv/built' /srv/own.spec 2>/dev/null
}
build openssh-server 'Epoch: 2' 9.9p1 '7.el10_0~1' '%pre -p /bin/true'
build openssh '' 9.9p1 8 '%pre -p /bin/true'
build slow '' 1 1 %post
"""
KILLED = """
rpm --install --nodeps /srv/built/noarch/slow-*.rpm >/dev/null 2>&1 &
until [ -s /var/lib/rpm/rpmdb.sqlite-wal ]; do sleep 0.05; done
kill -9 $!
"""


def copied(host: TestHost, root: Path) -> Path:
    """A disk that has the host's database."""
    (root / "var/lib").mkdir(parents=True)
    engine.podman("cp", f"{host.container}:/var/lib/rpm", str(root / "var/lib"))
    return root


@pytest.mark.containers
def test_the_database_says_what_rpm_says(testbed: Testbed, tmp_path: Path) -> None:
    with testbed.host("rpm") as host:
        host.run(f"{BUILD}\nrpm --install --nodeps /srv/built/noarch/openssh-9*.rpm")
        assert host.run("rpm -q openssh-server || true") == "package openssh-server is not installed"
        assert told(copied(host, tmp_path / "without")) == ("absent", "")
        host.run("rpm --install --nodeps /srv/built/noarch/openssh-server-*.rpm")
        version = host.run("rpm -q --qf '%{EVR}' openssh-server")
        assert version == "2:9.9p1-7.el10_0~1"
        assert told(copied(host, tmp_path / "with")) == ("installed", version)
        host.run("rpm --erase openssh-server")
        assert told(copied(host, tmp_path / "erased")) == ("absent", "")
        host.run(KILLED)
        assert "rpmdb.sqlite-wal has changes" in reason(copied(host, tmp_path / "killed"))
