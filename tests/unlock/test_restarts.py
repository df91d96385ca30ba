"""The page is ended in between, also by SIGKILL: nothing is lost, nothing is done twice for nothing."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from sshdoctor.errors import InputError
from sshdoctor.unlock.store import Link, Store
from unlock.bed import ANN, HOME, OWNER, Book, Clock, path_of, served, until


def test_every_step_may_be_after_another_restart(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    with served(state, works=False) as bed:
        shown = bed.visitor().get("/")
    with served(state, works=False) as bed:  # a form of before is good after
        assert bed.visitor().post("/", {**shown.form, "mail": ANN}).status == 303
    with served(state) as bed:  # the mail that waited goes
        url = bed.link()
    with served(state, works=False) as bed:
        assert bed.visitor().answers(url).status == 303
        assert bed.visitor().opens(url).heading == "It is being done"
    with served(state, works=False) as bed:  # used stays used
        assert bed.visitor().post(path_of(url), {**shown.form, "answer": "0000"}).status == 410
    clock = Clock()
    with served(state, clock=clock) as bed:
        bed.mail_to(OWNER)
        assert sorted(bed.hosts.told) == [("let in", "web1", HOME), ("let in", "web2", HOME)]
        assert bed.visitor().opens(url).heading == "You are let in"
    clock.ahead = 86500
    with served(state, clock=clock) as bed:
        until(lambda: len(bed.hosts.told) == 2)
        assert {one[0] for one in bed.hosts.told} == {"take off"} and not bed.mails


def test_what_was_under_way_is_done_again_and_still_ends_after_a_day(tmp_path: Path) -> None:
    """The first time the host had done it, when the page was killed before it could note that."""
    state, clock = tmp_path / "state.db", Clock()
    with served(state, listed={"web1": [ANN]}, hosts=Book(seconds=3600)) as bed:
        bed.visitor().asks()
        bed.visitor().answers(bed.link())
        until(lambda: _noted(state))
    with served(state, listed={"web1": [ANN]}, hosts=Book(already={"web1"}), clock=clock) as bed:
        bed.mail_to(OWNER)
        clock.ahead = 86500
    with served(state, listed={"web1": [ANN]}, clock=clock) as bed:
        until(lambda: bed.hosts.told == [("take off", "web1", HOME)])


def _noted(state: Path) -> bool:
    import sqlite3

    with sqlite3.connect(f"file:{state}?mode=ro", uri=True) as db:
        return bool(db.execute("select * from allowed").fetchall())


def test_who_is_listed_no_more_gets_in_no_more(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    with served(state) as bed:
        bed.visitor().asks()
        url = bed.link()
    with served(state, listed={"web1": ["bob@example.org"]}) as bed:
        assert bed.visitor().answers(url).status == 410
        assert bed.hosts.told == []


def test_a_host_that_is_listed_no_more_is_left_alone(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    with served(state) as bed:
        bed.visitor().asks()
        url = bed.link()
    with served(state, listed={"web2": [ANN]}) as bed:
        bed.visitor().answers(url)
        bed.mail_to(OWNER)
        assert bed.hosts.told == [("let in", "web2", HOME)]


def test_two_pages_share_no_file(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.db")
    with pytest.raises(InputError, match="another page runs"):
        Store(tmp_path / "state.db")
    store.close()
    Store(tmp_path / "state.db").close()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    state = tmp_path / "state.db"
    Store(state).close()
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    state.chmod(mode)
    with pytest.raises(InputError, match="chmod 600"):
        Store(state)


def test_a_link_in_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").touch(0o600)
    (tmp_path / "state.db").symlink_to(tmp_path / "other")
    with pytest.raises(InputError):
        Store(tmp_path / "state.db")


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_text("no database" * 100)
    (tmp_path / "state.db").chmod(0o600)
    with pytest.raises(InputError, match="state file"):
        Store(tmp_path / "state.db")


def test_a_link_is_used_once_by_whoever_is_first(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.db")
    link = Link(number="1", person="p", address=HOME, lang="en", question=1, asked=0.0)
    store.add(link, HOME)
    assert [store.use("1", 1.0, ["web1"]) for _ in range(3)] == [True, False, False]
    assert [one.host for one in store.work()] == ["web1"]
    store.close()
