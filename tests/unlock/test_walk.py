"""The whole way: asked, mailed, opened, answered, let in; and what is on no way."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from sshdoctor.commands.demo.mailbox import plain_text
from sshdoctor.unlock.limits import Limits
from unlock.bed import (
    ANN,
    ELSEWHERE,
    HOME,
    OWNER,
    STRANGER,
    URL,
    Book,
    Clock,
    path_of,
    served,
    unmailed,
    until,
)

LET_IN = [("let in", "web1", HOME), ("let in", "web2", HOME)]


def test_the_address_that_asked_is_let_in_where_the_person_is_listed(tmp_path: Path) -> None:
    with served(tmp_path / "state.db") as bed:
        visitor = bed.visitor()
        assert visitor.asks().headers["location"] == "/sent"
        url = bed.link()
        assert url.startswith(f"{URL}/link/")
        assert visitor.opens(url).heading == "One question first"
        assert bed.hosts.told == []  # opened, and nothing is done yet
        done = visitor.answers(url)
        assert (done.status, done.headers["location"]) == (303, path_of(url))
        told = plain_text(bed.mail_to(OWNER))
        assert sorted(bed.hosts.told) == LET_IN
        assert visitor.opens(url).heading == "You are let in"
        assert ANN in told and HOME in told and "web1: let in until" in told and "web3" not in told


def test_who_is_not_listed_is_answered_the_same_and_gets_nothing(tmp_path: Path) -> None:
    with served(tmp_path / "state.db") as bed:
        answers = [bed.visitor(f"198.51.100.{n}").asks(who) for n, who in enumerate((ANN, STRANGER, "", "x"))]
        for one in answers:
            assert (one.status, one.text) == (303, "")
            assert {**one.headers, "date": ""} == {**answers[0].headers, "date": ""}
        pages = {bed.visitor().get("/sent").text for _ in answers}
        assert len(pages) == 1 and ANN not in pages.pop()
        bed.link()
        until(lambda: not unmailed(bed.store))
        assert [mail["To"] for mail in bed.mails] == [ANN]


def test_a_link_is_good_once(tmp_path: Path) -> None:
    with served(tmp_path / "state.db") as bed:
        visitor = bed.visitor()
        visitor.asks()
        url = bed.link()
        shown = visitor.opens(url)
        answers = [visitor.post(path_of(url), {**shown.form, "answer": shown.reads()}) for _ in range(3)]
        assert [one.status for one in answers] == [303, 410, 410]
        bed.mail_to(OWNER)
        assert sorted(bed.hosts.told) == LET_IN


def test_a_link_is_good_for_fifteen_minutes(tmp_path: Path) -> None:
    with served(tmp_path / "state.db") as bed:
        visitor = bed.visitor()
        visitor.asks()
        url = bed.link()
        shown = visitor.opens(url)
        bed.clock.ahead = 890
        assert visitor.opens(url).status == 200
        bed.clock.ahead = 902
        assert visitor.opens(url).status == 410
        assert visitor.post(path_of(url), {**shown.form, "answer": shown.reads()}).status == 410
        assert bed.hosts.told == []


def test_a_link_is_good_from_the_address_that_asked_alone(tmp_path: Path) -> None:
    with served(tmp_path / "state.db") as bed:
        visitor, other = bed.visitor(), bed.visitor(ELSEWHERE)
        visitor.asks()
        url = bed.link()
        shown = visitor.opens(url)
        assert other.opens(url).heading == "Another address asked for this link"
        stolen = {**shown.form, "answer": shown.reads()}
        assert other.post(path_of(url), stolen).status == 403
        assert other.post(path_of(url), {**stolen, **other.get("/").form}).status == 403
        assert bed.hosts.told == []
        assert visitor.answers(url).status == 303  # and the owner's way is not spoilt by that


def test_a_forged_link_is_none(tmp_path: Path) -> None:
    with served(tmp_path / "a.db") as bed, served(tmp_path / "b.db") as other:
        for one in (bed, other):
            one.visitor().asks()
        url, foreign = bed.link(), other.link()
        number, at, signature = path_of(url).rpartition("/")[2].split(".")
        form = bed.visitor().get("/").form["form"]
        forged = [
            f"{number}.{at}.{signature[:-1]}{'A' if signature[-1] != 'A' else 'B'}",
            f"{number}.{at}",
            f"{number}.zzzzzz.{signature}",
            f"{path_of(foreign).rpartition('/')[2]}",  # well signed, by another page's key
            form,  # well signed by this one, for something else
            "..",
            "%00",
            "a" * 3000,
        ]
        visitor = bed.visitor()
        for token in forged:
            for answer in (
                visitor.get(f"/link/{token}"),
                visitor.post(f"/link/{token}", {**visitor.get("/").form, "answer": "0000"}),
            ):
                assert answer.status in (404, 410), token
        assert bed.hosts.told == []


def test_five_wrong_answers_end_a_link_and_each_asks_for_others(tmp_path: Path) -> None:
    with served(tmp_path / "state.db") as bed:
        visitor = bed.visitor()
        visitor.asks()
        url = bed.link()
        asked, statuses = set(), []
        for _ in range(5):
            asked.add(visitor.opens(url).reads())
            statuses.append(visitor.answers(url, "12345").status)
        assert statuses == [422, 422, 422, 422, 410] and len(asked) > 1
        assert visitor.opens(url).status == 410
        assert bed.hosts.told == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_nothing_is_done_but_by_post(tmp_path: Path, method: str) -> None:
    """What reads mails before people do opens each link, some also as a HEAD."""
    with served(tmp_path / "state.db") as bed:
        visitor = bed.visitor()
        visitor.asks()
        url = bed.link()
        shown = visitor.opens(url)
        path = f"{path_of(url)}?form={shown.form['form']}&answer={shown.reads()}"
        answer = visitor._asked(method, path, None, {})
        assert answer.status == (200 if method in ("GET", "HEAD") else 405)
        assert visitor.opens(url).reads() == shown.reads()
        assert bed.hosts.told == []


def test_where_a_host_cannot_be_reached_it_is_tried_again_and_then_told(tmp_path: Path) -> None:
    with served(tmp_path / "state.db", hosts=Book(fails={"web2"})) as bed:
        visitor = bed.visitor()
        visitor.asks()
        url = bed.link()
        visitor.answers(url)
        told = plain_text(bed.mail_to(OWNER))
        assert "web2: NOT let in: no way in" in told and "web1: let in until" in told
        assert [one[1] for one in bed.hosts.told].count("web2") == 3
        assert visitor.opens(url).heading == "Let in, but not everywhere"


def test_after_a_day_it_is_let_in_no_longer(tmp_path: Path) -> None:
    clock = Clock()
    with served(tmp_path / "state.db", clock=clock, hosts=Book(already={"web2"})) as bed:
        bed.visitor().asks()
        bed.visitor().answers(bed.link())
        bed.mail_to(OWNER)
        bed.hosts.told.clear()
        clock.ahead = 86400 - 60
        bed.visitor(ELSEWHERE).asks()  # somebody wakes it
        bed.link(number=2)
        assert bed.hosts.told == []
        clock.ahead = 86400 + 60
        bed.visitor(ELSEWHERE).asks()
        until(lambda: bed.hosts.told)
    assert bed.hosts.told == [("take off", "web1", HOME)]  # web2 had it on its list before


def test_who_comes_again_is_let_in_for_a_day_from_then(tmp_path: Path) -> None:
    clock, hosts = Clock(), Book()
    with served(tmp_path / "state.db", clock=clock, hosts=hosts) as bed:
        bed.visitor().asks()
        bed.visitor().answers(bed.link())
        bed.mail_to(OWNER)
        clock.ahead = 43200
        hosts.already = {"web1", "web2"}  # by us
        bed.visitor().asks()
        bed.visitor().answers(bed.link(number=2))
        bed.mail_to(OWNER, 2)
        hosts.told.clear()
        clock.ahead = 86400 + 60
        bed.visitor(ELSEWHERE).asks()
        bed.link(number=3)
        assert hosts.told == []
        clock.ahead = 43200 + 86400 + 60
        bed.visitor(ELSEWHERE).asks()
        until(lambda: len(hosts.told) == 2)


def test_the_owner_is_told_when_the_end_of_the_day_does_not_come_about(tmp_path: Path) -> None:
    clock, hosts = Clock(), Book()
    with served(tmp_path / "state.db", clock=clock, hosts=hosts, listed={"web1": [ANN]}) as bed:
        bed.visitor().asks()
        bed.visitor().answers(bed.link())
        bed.mail_to(OWNER)
        hosts.fails.add("web1")
        for hours in range(1, 9):
            clock.ahead = 86400 + hours * 3600
            bed.visitor(f"203.0.113.{hours}").asks(STRANGER)
            until(partial(_more, hosts.told, hours))
        assert bed.mail_to(OWNER, 2)["Subject"] == f"Still let in: {HOME}"
        hosts.fails.clear()
        hosts.told.clear()
        clock.ahead = 86400 * 3
        bed.visitor("203.0.113.99").asks(STRANGER)
        until(lambda: hosts.told)
    assert len(bed.mails_to(OWNER)) == 2


def _more(told: Sequence[object], count: int) -> bool:
    return len(told) > count


def test_too_many_requests_of_one_network_are_refused_until_it_has_waited(tmp_path: Path) -> None:
    with served(tmp_path / "state.db", limits=Limits(per_network=3)) as bed:
        statuses = [bed.visitor("2001:db8:1::" + str(n)).asks(STRANGER).status for n in range(5)]
        assert statuses == [303, 303, 303, 429, 429]
        assert bed.visitor("2001:db8:2::1").asks(STRANGER).status == 303
        bed.clock.ahead = 1000
        assert bed.visitor("2001:db8:1::9").asks(STRANGER).status == 303


def test_too_many_mails_to_one_are_not_sent_and_nobody_sees_that(tmp_path: Path) -> None:
    with served(tmp_path / "state.db", limits=Limits(per_person=2)) as bed:
        answers = [bed.visitor(f"198.51.100.{n}").asks(ANN) for n in range(6)]
        assert {one.status for one in answers} == {303}
        until(lambda: not unmailed(bed.store))
        assert len(bed.mails) == 2


def test_all_together_are_limited(tmp_path: Path) -> None:
    with served(tmp_path / "state.db", limits=Limits(overall=4)) as bed:
        statuses = [bed.visitor(f"198.51.100.{n}").asks().status for n in range(6)]
        assert statuses == [303] * 4 + [429] * 2
        bed.clock.ahead = 61
        assert bed.visitor().asks().status == 303


def test_everything_is_said_in_japanese_to_who_prefers_it(tmp_path: Path) -> None:
    with served(tmp_path / "state.db") as bed:
        visitor = bed.visitor(**{"Accept-Language": "ja,en;q=0.5"})
        page = visitor.get("/")
        assert '<html lang="ja">' in page.text and "メールアドレス" in page.text
        visitor.asks()
        mail = bed.mail_to(ANN)
        assert mail["Subject"] == "接続を再開するためのリンク" and "15 分以内" in plain_text(mail)
        assert visitor.answers(bed.link()).status == 303
        sent = visitor.get("/sent")
        assert (sent.headers["content-language"], sent.headers["vary"]) == ("ja", "Accept-Language")
