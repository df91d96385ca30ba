"""What a monitor remembers, in one SQLite file: states, looks, and the messages that are to be sent.

A message is written together with the change that it tells of, and marked when it was sent: after a crash in
between it is sent again under the same number, by which who receives it knows it.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from sshdoctor.errors import InputError, SshdoctorError
from sshdoctor.watch.rules import Change, Event, Memory, Message

VERSION = 1
_KEPT = 90 * 86400
"""Seconds for which looks, changes and messages are kept."""
_MOST_LOOKS = 2000
"""So many rows of looks are kept of a target."""
_TABLES = """
create table target (name text primary key, service text not null, every real not null, memory blob not null);
create table look (target text, who text, word text, note text, first real, last real, count integer,
  routine integer);
create index look_last on look (target, who, last);
create table change (at real, target text, body blob);
create index change_at on change (target, at);
create table message (id integer primary key autoincrement, at real, target text, person text, body blob,
  cause text not null default '', held_until real not null default 0, sent real);
create index message_sent on message (sent);
"""


class StoreError(SshdoctorError):
    """The state cannot be written now (a full disk); the watching goes on."""


class Outgoing(Struct, frozen=True, kw_only=True):
    """One message to one person; ``id`` is its own in this file. Nothing is sent before ``held_until``."""

    id: int
    target: str
    person: str
    message: Message
    cause: str = ""
    held_until: float = 0.0


class Seen(Struct, frozen=True):
    """``count`` looks of one of them that came to the same, from ``first`` to ``last``."""

    who: str
    word: str
    note: str
    first: float
    last: float
    count: int


class Store:
    """The state file at ``path``, which it makes. Raises InputError where it cannot be used.

    To ``watch`` takes it for this process alone.
    """

    def __init__(self, path: Path | None, *, watch: bool = True) -> None:
        self.path = path
        self._lock = _locked(path) if path is not None and watch else None
        try:
            if path is not None and not watch and not path.exists():
                raise InputError(f"{path}: there is no such file; `watch --state {path}` makes it")
            self._db = sqlite3.connect(path or ":memory:", timeout=10, isolation_level=None)
            self._prepare()
        except sqlite3.Error as error:
            raise InputError(f"{path}: it cannot be used as a state file: {error}") from None

    def _prepare(self) -> None:
        version = self._db.execute("pragma user_version").fetchone()[0]
        empty = not self._db.execute("select count(*) from sqlite_master").fetchone()[0]
        if not empty and version != VERSION:
            raise InputError(
                f"{self.path}: its version is {version}, not {VERSION}: name another --state FILE"
            )
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = full")
        if empty:
            with self._transaction():
                for statement in _TABLES.split(";"):
                    self._db.execute(statement)
                self._db.execute(f"pragma user_version = {VERSION}")

    def close(self) -> None:
        self._db.close()
        if self._lock is not None:
            os.close(self._lock)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All of it or nothing. Raises StoreError."""
        try:
            self._db.execute("begin immediate")
            yield
            self._db.execute("commit")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise StoreError(f"{self.path}: the state cannot be written: {error}") from None

    def memories(self) -> dict[str, Memory]:
        """What is remembered of each target."""
        rows = self._db.execute("select name, memory from target")
        return {name: msgspec.json.decode(memory, type=Memory) for name, memory in rows}

    def every(self, target: str) -> tuple[str, float] | None:
        """The service of a target and its interval, None if it is not known."""
        found = self._db.execute("select service, every from target where name = ?", (target,)).fetchone()
        return (found[0], found[1]) if found else None

    def targets(self) -> list[str]:
        return [name for (name,) in self._db.execute("select name from target order by name")]

    def save(
        self,
        memories: Iterable[tuple[str, str, float, Memory]] = (),
        looks: Iterable[tuple[str, Event, bool]] = (),
        changes: Iterable[tuple[str, Change]] = (),
        messages: Iterable[tuple[str, str, Message, float]] = (),
    ) -> list[Outgoing]:
        """All at once: targets (name, service, interval, memory), looks, changes, messages (target, person,
        message, held until). Gives the messages as they are to be sent. Raises StoreError.
        """
        written = []
        with self._transaction():
            self._db.executemany(
                "insert into target values (?, ?, ?, ?) on conflict (name) do update set "
                "service = excluded.service, every = excluded.every, memory = excluded.memory",
                [
                    (name, service, every, msgspec.json.encode(kept))
                    for name, service, every, kept in memories
                ],
            )
            for target, event, routine in looks:
                self._add_look(target, event, routine)
            self._db.executemany(
                "insert into change values (?, ?, ?)",
                [(change.at, target, msgspec.json.encode(change)) for target, change in changes],
            )
            for target, person, message, held in messages:
                added = self._db.execute(
                    "insert into message (at, target, person, body, held_until) values (?, ?, ?, ?, ?)",
                    (message.at, target, person, msgspec.json.encode(message), held),
                )
                written.append(
                    Outgoing(
                        id=added.lastrowid or 0,
                        target=target,
                        person=person,
                        message=message,
                        held_until=held,
                    )
                )
        return written

    def _add_look(self, target: str, event: Event, routine: bool) -> None:
        """Looks of every day that come to the same take one row together, so that the file stays small."""
        last = self._db.execute(
            "select rowid, word, note, routine from look where target = ? and who = ? "
            "order by last desc, rowid desc limit 1",
            (target, event.who),
        ).fetchone()
        if routine and last and last[1:] == (event.word, event.note, 1):
            change = "update look set last = ?, count = count + 1 where rowid = ?"
            self._db.execute(change, (event.at, last[0]))
        else:
            row = (target, event.who, event.word, event.note, event.at, event.at, 1, routine)
            self._db.execute("insert into look values (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def unsent(self) -> list[Outgoing]:
        """In the order in which they happened."""
        rows = self._db.execute(
            "select id, target, person, body, cause, held_until from message where sent is null order by id"
        )
        return [
            Outgoing(
                id=number,
                target=target,
                person=person,
                message=msgspec.json.decode(body, type=Message),
                cause=cause,
                held_until=held,
            )
            for number, target, person, body, cause, held in rows
        ]

    def explain(self, numbers: Sequence[int], cause: str) -> None:
        """The cause was found: what was held is free. Raises StoreError."""
        with self._transaction():
            for number in numbers:
                self._db.execute("update message set cause = ?, held_until = 0 where id = ?", (cause, number))

    def sent(self, numbers: Sequence[int], at: float) -> None:
        """Raises StoreError."""
        with self._transaction():
            self._db.executemany("update message set sent = ? where id = ?", [(at, one) for one in numbers])

    def looks(self, target: str, most: int = 200) -> list[Seen]:
        """The last looks at a target, the oldest first."""
        rows = self._db.execute(
            "select who, word, note, first, last, count from look where target = ? "
            "order by last desc, rowid desc limit ?",
            (target, most),
        )
        return [Seen(*row) for row in reversed(rows.fetchall())]

    def changes(self, target: str, since: float = 0.0) -> list[Change]:
        """The oldest first."""
        rows = self._db.execute(
            "select body from change where target = ? and at >= ? order by at, rowid", (target, since)
        )
        return [msgspec.json.decode(body, type=Change) for (body,) in rows]

    def causes(self, target: str) -> dict[float, str]:
        """The cause that was found, by when it went down."""
        rows = self._db.execute("select at, cause from message where target = ? and cause != ''", (target,))
        return dict(rows.fetchall())

    def forget(self, now: float) -> None:
        """What is older than it is kept. Raises StoreError."""
        with self._transaction():
            self._db.execute("delete from look where last < ?", (now - _KEPT,))
            self._db.execute(
                "delete from look where rowid in (select rowid from (select rowid, row_number() over "
                "(partition by target order by last desc) as place from look) where place > ?)",
                (_MOST_LOOKS,),
            )
            self._db.execute("delete from change where at < ?", (now - _KEPT,))
            self._db.execute("delete from message where sent is not null and at < ?", (now - _KEPT,))


def _locked(path: Path) -> int:
    """A lock that ends with this process, however it ends. Raises InputError."""
    lock = path.with_name(path.name + ".lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InputError(f"--state {path}: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise InputError(f"--state {path}: another watch runs with this file") from None
    return descriptor
