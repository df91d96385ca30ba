"""What is remembered, in one SQLite file that nobody else may read: links, work, whom it let in, its key.

No mail address stands in it: whoever asked is a keyed hash, whether they are listed or not.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from sshdoctor.errors import InputError

VERSION = 1
NOT_MAILED = -1.0
"""When a link was mailed that never will be."""
_TABLES = """
create table secret (key blob not null);
create table link (number text primary key, person text, address text, network text, lang text,
  question integer, asked real, mailed real, tries integer default 0, used real, told real);
create index link_asked on link (asked);
create index link_network on link (network, asked);
create index link_person on link (person, mailed);
create table work (number integer primary key autoincrement, link text, host text,
  state text default 'waiting', detail text default '', tries integer default 0);
create index work_link on work (link);
create table allowed (host text, address text, until real, tries integer default 0,
  primary key (host, address));
"""
_LINK = "select number, person, address, lang, question, asked, mailed, tries, used from link"
_WORK = "select number, link, host, state, detail, tries from work"


class Link(Struct, frozen=True):
    """One request for a link, and what has become of it."""

    number: str
    person: str
    address: str
    lang: str
    question: int
    asked: float
    mailed: float | None = None
    tries: int = 0
    used: float | None = None


class Work(Struct, frozen=True):
    """A host at which the address of a link is to be let in: ``state`` is waiting, done or failed."""

    number: int
    link: str
    host: str
    state: str
    detail: str
    tries: int


class Allowed(Struct, frozen=True):
    """An address that was put on a host's allow-list, until when, and how often its end has failed."""

    host: str
    address: str
    until: float
    tries: int


class Store:
    """The state file at ``path``, which it makes, for this process alone. Raises InputError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = _own_file(path)  # stays open: to close it would drop SQLite's own locks
        try:
            self._db = sqlite3.connect(path, timeout=10, isolation_level=None)
            self._prepare()
            self.key = bytes(self._db.execute("select key from secret").fetchone()[0])
        except (sqlite3.Error, TypeError) as error:
            raise InputError(f"--state {path}: it cannot be used as a state file: {error}") from None

    def _prepare(self) -> None:
        version = self._db.execute("pragma user_version").fetchone()[0]
        empty = not self._db.execute("select count(*) from sqlite_master").fetchone()[0]
        if not empty and version != VERSION:
            raise InputError(f"--state {self.path}: it is no state file of this page: name another")
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = full")
        if empty:
            with self._transaction():
                for statement in _TABLES.split(";"):
                    self._db.execute(statement)
                self._db.execute("insert into secret values (?)", (secrets.token_bytes(32),))
                self._db.execute(f"pragma user_version = {VERSION}")

    def close(self) -> None:
        self._db.close()
        os.close(self._file)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")

    # Requests for links

    def asked(self, since: float, network: str | None = None) -> int:
        """How many asked, of all or of one network."""
        if network is None:
            return self._count("select count(*) from link where asked > ?", since)
        return self._count("select count(*) from link where network = ? and asked > ?", network, since)

    def add(self, link: Link, network: str) -> None:
        self._db.execute(
            "insert into link (number, person, address, network, lang, question, asked) "
            "values (?, ?, ?, ?, ?, ?, ?)",
            (link.number, link.person, link.address, network, link.lang, link.question, link.asked),
        )

    def unmailed(self) -> list[Link]:
        """The oldest first."""
        return self._links("where mailed is null order by asked limit 100")

    def mailed_to(self, person: str, since: float) -> int:
        return self._count("select count(*) from link where person = ? and mailed > ?", person, since)

    def mailed(self, number: str, at: float) -> None:
        self._db.execute("update link set mailed = ? where number = ?", (at, number))

    # Links that were opened

    def link(self, number: str) -> Link | None:
        return next(iter(self._links("where number = ?", number)), None)

    def wrong(self, number: str, question: int) -> None:
        """The answer was wrong: the next question is another."""
        change = "update link set tries = tries + 1, question = ? where number = ?"
        self._db.execute(change, (question, number))

    def use(self, number: str, at: float, hosts: Sequence[str]) -> bool:
        """Whether the link was not used before; then there is work at each of ``hosts``."""
        with self._transaction():
            change = "update link set used = ? where number = ? and used is null"
            if not self._db.execute(change, (at, number)).rowcount:
                return False
            rows = [(number, host) for host in hosts]
            self._db.executemany("insert into work (link, host) values (?, ?)", rows)
        return True

    def untold(self) -> list[Link]:
        """Links that were used, whose work has ended, and of which the owner does not know."""
        ended = "not exists (select 1 from work where link = link.number and state = 'waiting')"
        return self._links(f"where used is not null and told is null and {ended} order by used")

    def told(self, number: str, at: float) -> None:
        self._db.execute("update link set told = ? where number = ?", (at, number))

    # Work at hosts

    def work(self, link: str | None = None) -> list[Work]:
        """That of one link, or all that waits."""
        if link is None:
            rows = self._db.execute(f"{_WORK} where state = 'waiting' order by number")
        else:
            rows = self._db.execute(f"{_WORK} where link = ? order by number", (link,))
        return [Work(*row) for row in rows]

    def ended(self, number: int, state: str, detail: str) -> None:
        """``state`` "waiting": it is tried again."""
        change = "update work set state = ?, detail = ?, tries = tries + 1 where number = ?"
        self._db.execute(change, (state, detail, number))

    def allow(self, host: str, address: str, until: float) -> bool:
        """It is about to be put on the list until then; whether it was not on it by us.

        That is noted before it is done: what is done, and noted nowhere, would never end.
        """
        change = "update allowed set until = ?, tries = 0 where host = ? and address = ?"
        if self._db.execute(change, (until, host, address)).rowcount:
            return False
        row = (host, address, until)
        self._db.execute("insert into allowed (host, address, until) values (?, ?, ?)", row)
        return True

    def allowed(self) -> list[Allowed]:
        rows = self._db.execute("select host, address, until, tries from allowed order by until")
        return [Allowed(*row) for row in rows]

    def still_allowed(self, one: Allowed) -> None:
        """It could not be taken off."""
        change = "update allowed set tries = tries + 1 where host = ? and address = ?"
        self._db.execute(change, (one.host, one.address))

    def taken_off(self, host: str, address: str) -> None:
        self._db.execute("delete from allowed where host = ? and address = ?", (host, address))

    def forget(self, before: float) -> None:
        """Who asked before then, and what came of it, where nothing is left to do."""
        old = "delete from link where asked < ? and (used is null or told is not null)"
        with self._transaction():
            self._db.execute(old, (before,))
            self._db.execute("delete from work where link not in (select number from link)")

    def _count(self, query: str, *values: object) -> int:
        return int(self._db.execute(query, values).fetchone()[0])

    def _links(self, where: str, *values: object) -> list[Link]:
        return [Link(*row) for row in self._db.execute(f"{_LINK} {where}", values)]


def _own_file(path: Path) -> int:
    """The file, locked, which is this user's alone: it holds the key. Raises InputError."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InputError(f"--state {path}: {error.strerror}") from None
    seen = os.fstat(descriptor)
    fault = ""
    if not stat.S_ISREG(seen.st_mode):
        fault = "it is no file"
    elif seen.st_uid != os.geteuid():
        fault = "it belongs to another user"
    elif seen.st_mode & 0o077:
        fault = f"others may read it; it holds the key: chmod 600 {path}"
    else:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            fault = "another page runs with this file"
    if fault:
        os.close(descriptor)
        raise InputError(f"--state {path}: {fault}")
    return descriptor
