"""People are told by Apprise, through real servers of mail and HTTP."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sshdoctor.errors import UsageError
from sshdoctor.model import Secret
from sshdoctor.watch.notify import Teller, check
from sshdoctor.watch.rules import Message, Vote
from sshdoctor.watch.store import Outgoing, Store
from sshdoctor.watch.target import person
from sshdoctor.watch.words import ENGLISH, JAPANESE, Language
from watch.sinks import http, smtp

VOTES = (Vote("here", "server"), Vote("w1", "server"), Vote("w2", "lost"), Vote("w3", "server"))
DOWN = Message(at=304, kind="down", to=(), state="down", word="server", since=300, witnesses=VOTES)
BACK = Message(at=1500, kind="back", to=(), state="up", word="success", since=300)
SITE = "https://www.example.org/"
CAUSE = "PHP-FPM is stopped. (php-fpm-stopped, proved)\nNext: sshdoctor remediate --host web1"


def outgoing(number: int, message: Message, target: str = SITE, cause: str = "") -> Outgoing:
    return Outgoing(id=number, target=target, person="", message=message, cause=cause)


def teller(url: str, language: Language = ENGLISH, zone: tzinfo = UTC) -> tuple[Teller, str]:
    secret = Secret(url)
    book = {person(secret): secret}
    check(book)
    hosts = {f"https://{n}.example.org/": "web3" for n in range(41)}
    return Teller(book, language, {SITE: zone}, hosts, lambda: 310.0), person(secret)


def mailto(port: int) -> str:
    return f"mailto://127.0.0.1:{port}?from=watch@example.org&to=ann@example.org&smtp=127.0.0.1&mode=insecure"


def test_a_mail_has_the_site_the_word_since_when_who_saw_it_and_the_cause() -> None:
    with smtp() as (port, mails):
        told, ann = teller(mailto(port))
        assert told.send(ann, [outgoing(7, DOWN, cause=CAUSE)])
    (mail,) = mails
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]  # it has one
    assert mail["Subject"] == "DOWN: https://www.example.org/ (server)"
    assert "is down since 1970-01-01 00:05:00 UTC: server." in text
    assert "Seen bad by: here (server), w1 (server), w3 (server)." in text
    assert "Could not be asked: w2." in text
    assert "Cause: PHP-FPM is stopped." in text and "Next: sshdoctor remediate --host web1" in text
    assert "Number 7 of" in text


def test_back_says_how_long_it_was_in_japanese_too() -> None:
    with smtp() as (port, mails):
        told, ann = teller(mailto(port), JAPANESE)
        assert told.send(ann, [outgoing(8, BACK)])
    text = mails[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]  # it has one
    assert "復旧" in mails[0]["Subject"]
    assert "20 分 0 秒 停止していました" in text


def test_times_are_those_of_the_owners_zone() -> None:
    with http([200]) as (port, bodies):
        told, ann = teller(f"json://127.0.0.1:{port}/", JAPANESE, ZoneInfo("Asia/Tokyo"))
        assert told.send(ann, [outgoing(9, DOWN)])
    assert "1970-01-01 09:05:00 JST" in bodies[0]


def test_many_at_once_are_one_message_that_names_the_host() -> None:
    batch = [outgoing(n, DOWN, target=f"https://{n}.example.org/") for n in range(41)]
    with http([200]) as (port, bodies):
        told, ann = teller(f"json://127.0.0.1:{port}/")
        assert told.send(ann, batch)
    (body,) = bodies
    assert "41 messages: down 41" in body and "41 of them on web3" in body


def test_a_notifier_that_refuses_has_not_told() -> None:
    with http([503]) as (port, bodies):
        told, ann = teller(f"json://127.0.0.1:{port}/")
        assert not told.send(ann, [outgoing(1, DOWN)])
    assert bodies == []


def test_a_url_that_is_none_is_refused_without_its_password() -> None:
    with pytest.raises(UsageError) as caught:
        teller("nowhere://ann:hunter2@example.org")
    assert "nowhere:example.org" in str(caught.value) and "hunter2" not in str(caught.value)


TESTS = Path(__file__).parents[1]
KNOWS_THE_TESTS = {**os.environ, "PYTHONPATH": f"{TESTS.parent / 'src'}:{TESTS}"}
KILLED = """
    import os, signal, sys, asyncio
    from pathlib import Path
    from sshdoctor.watch.store import Store
    from watch.fake import World
    from watch.test_monitor import BAD, looked
    from watch.test_notify import teller
    where, file, port = sys.argv[1:]
    world = World(["web1"], Store(Path(file)))
    told, ann = teller(f"json://127.0.0.1:{port}/")
    die = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
    def send(person, batch):
        if where == "before-sending": die()
        went = told.send(ann, batch)
        if where == "after-sending": die()
        return went
    world.post._send = send
    save, sent = world.store.save, world.store.sent
    def saved(memories=(), looks=(), changes=(), messages=()):
        if where == "before-writing" and list(messages): die()
        written = save(memories, looks, changes, messages)
        if where == "after-writing" and written: die()
        return written
    def marked(numbers, at):
        sent(numbers, at)
        if where == "after-marking": die()
    world.store.save, world.store.sent = saved, marked
    monitor = world.monitor()
    if where != "nowhere": looked(world, monitor)
    world.say("rst", *BAD)
    looked(world, monitor, 300)
"""
STEPS = ("before-writing", "after-writing", "before-sending", "after-sending", "after-marking")


@pytest.mark.parametrize("step", STEPS)
def test_killed_between_any_two_steps_it_is_told_and_under_one_number(step: str, tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    with http([200]) as (port, bodies):
        for where in (step, "nowhere"):
            command = [sys.executable, "-c", textwrap.dedent(KILLED), where, str(file), str(port)]
            done = subprocess.run(command, check=False, capture_output=True, env=KNOWS_THE_TESTS, timeout=60)
            assert done.returncode == (-signal.SIGKILL if where == step else 0), done.stderr
    numbers = [body.partition("Number ")[2].partition(" ")[0] for body in bodies]
    assert set(numbers) == {"1"}
    # Between the sending and the mark it cannot be known whether it went: sent again, under the same number.
    assert len(numbers) == (2 if step == "after-sending" else 1)
    store = Store(file)
    assert store.unsent() == []
    store.close()
