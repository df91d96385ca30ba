"""The state file: what was told is never lost, never told under two numbers, and one watch alone has it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from sshdoctor.errors import InputError
from sshdoctor.watch.rules import Change, Event, Memory, Message
from sshdoctor.watch.store import Store, StoreError

DOWN = Message(at=304, kind="down", to=("ann",), state="down", word="rst", since=300)
CHANGE = Change(at=304, state="down", word="rst", since=300)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "state.db"


def save(store: Store, memory: Memory) -> None:
    store.save(
        [("web1", "web", 300.0, memory)], [("web1", Event(304, "here", "rst"), True)], [("web1", CHANGE)]
    )


def test_what_was_saved_is_there_after_a_start(file: Path) -> None:
    store = Store(file)
    save(store, Memory(state="down", told="down", told_down=("ann",)))
    store.close()
    again = Store(file)
    assert again.memories()["web1"].told_down == ("ann",)
    assert again.changes("web1") == [CHANGE]
    again.close()


def test_a_message_waits_until_it_is_marked_as_sent_and_keeps_its_number(file: Path) -> None:
    store = Store(file)
    (first,) = store.save(messages=[("web1", "ann", DOWN, 0.0)])
    store.close()  # killed before it was sent
    again = Store(file)
    assert again.unsent() == [first]
    again.sent([first.id], 400)
    again.close()
    third = Store(file)
    assert third.unsent() == []
    third.close()


def test_a_cause_goes_with_the_messages_that_wait_for_it(file: Path) -> None:
    store = Store(file)
    (held,) = store.save(messages=[("web1", "ann", DOWN, 1e12)])
    store.explain([held.id], "the daemon is stopped")
    (free,) = store.unsent()
    assert (free.cause, free.held_until) == ("the daemon is stopped", 0)
    assert store.causes("web1") == {304: "the daemon is stopped"}
    store.close()


def test_two_watches_do_not_share_a_file(file: Path) -> None:
    store = Store(file)
    with pytest.raises(InputError, match="another watch runs with this file"):
        Store(file)
    Store(file, watch=False).close()  # who only reads may
    store.close()
    Store(file).close()


def test_a_file_of_another_version_is_refused(file: Path) -> None:
    Store(file).close()
    with sqlite3.connect(file) as database:
        database.execute("pragma user_version = 99")
    with pytest.raises(InputError, match="its version is 99, not 1"):
        Store(file)


def test_what_is_no_database_is_refused(file: Path) -> None:
    file.write_text("not a database, but long enough to be taken for one" * 100)
    with pytest.raises(InputError, match="cannot be used as a state file"):
        Store(file)


def test_what_reads_makes_no_file(file: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        Store(file, watch=False)
    assert not file.exists()


def test_a_full_disk_is_said_and_leaves_the_file_as_it_was(file: Path) -> None:
    store = Store(file)
    save(store, Memory())
    pages = store._db.execute("pragma page_count").fetchone()[0]
    store._db.execute(f"pragma max_page_count = {pages}")  # as a disk that has no room for more
    with pytest.raises(StoreError, match="the state cannot be written: database or disk is full"):
        store.save(looks=[("web1", Event(at, "here", f"{at}" * 500), True) for at in range(200)])
    assert [(seen.word, seen.count) for seen in store.looks("web1")] == [("rst", 1)]
    store.close()


def test_a_day_of_equal_looks_takes_one_row(file: Path) -> None:
    store = Store(file)
    for at in range(0, 86400, 300):
        store.save(looks=[("web1", Event(at, "here", "success"), True)])
    (seen,) = store.looks("web1")
    assert (seen.first, seen.last, seen.count) == (0, 86100, 288)
    store.close()


def test_what_is_old_is_forgotten_but_not_what_waits(file: Path) -> None:
    store = Store(file)
    save(store, Memory())
    store.save(messages=[("web1", "ann", DOWN, 0.0)])
    store.forget(304 + 91 * 86400)
    assert (store.looks("web1"), store.changes("web1"), len(store.unsent())) == ([], [], 1)
    store.close()
