"""The watching: what becomes of looks, over restarts, full disks, refusing notifiers and clocks that jump."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from sshdoctor.model import Host
from sshdoctor.watch.look import Look
from sshdoctor.watch.monitor import Monitor
from sshdoctor.watch.rules import Change
from sshdoctor.watch.senses import Found
from sshdoctor.watch.store import Outgoing, Store, StoreError
from sshdoctor.watch.target import Target, target_of
from watch.fake import START, World, host

BAD = ("here", "w1", "w2", "w3")


def looked(world: World, monitor: Monitor, at: float = 0.0) -> None:
    """One look at every target, and all that comes of it."""
    world.clock.time = max(world.clock.time, START + at)

    async def look() -> None:
        await asyncio.gather(*(monitor.look(target) for target in world.targets))
        await asyncio.gather(*monitor._tasks)
        monitor.flush()
        await world.post.send_all()

    asyncio.run(look())


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(["web1"], Store(tmp_path / "state.db"))


def test_down_is_told_once_and_back_once(world: World) -> None:
    monitor = world.monitor()
    looked(world, monitor)
    world.say("rst", *BAD)
    for at in (300, 600, 900):
        looked(world, monitor, at)
    world.say("banner", *BAD)
    for at in (1200, 1500):
        looked(world, monitor, at)
    assert world.kinds == ["down", "back"]
    assert world.lines == [("web1", state) for state in ("up", "suspected", "down", "up")]


def test_a_lost_witness_is_no_vote(world: World) -> None:
    monitor = world.monitor()
    looked(world, monitor)
    world.say("rst", "here", "w1")
    world.say("lost", "w2", "w3")
    looked(world, monitor, 300)
    assert (world.kinds, world.lines[-1]) == (["blind"], ("web1", "unknown"))


def test_the_own_line_being_down_is_not_the_targets_being_down(world: World) -> None:
    monitor = world.monitor()
    looked(world, monitor)
    world.line = False
    world.say("silence", *BAD)
    looked(world, monitor, 300)
    assert world.kinds == ["blind"]


def test_the_message_carries_the_cause_that_was_found(world: World) -> None:
    found = Found(
        id="daemon-stopped", confidence="proved", summary="It is stopped.", next=("remediate web1",)
    )
    monitor = world.monitor(cause=lambda target: found)
    looked(world, monitor)
    world.say("rst", *BAD)
    looked(world, monitor, 300)
    ((_, told),) = world.told
    assert told.cause == "It is stopped. (daemon-stopped, proved)\nNext: remediate web1"
    assert world.causes[-1] == found


def test_a_cause_that_cannot_be_found_holds_nothing_back(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(target: Target) -> Found | None:
        raise OSError("no way in")

    monitor = world.monitor(cause=fail)
    looked(world, monitor)
    world.say("rst", *BAD)
    looked(world, monitor, 300)
    assert world.kinds == ["down"]
    assert "the cause was not found: no way in" in capsys.readouterr().err


def test_a_restart_forgets_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    first = World(["web1"], Store(tmp_path / "state.db"))
    monitor = first.monitor()
    looked(first, monitor)
    first.say("rst", *BAD)
    looked(first, monitor, 300)
    first.store.close()
    second = World(["web1"], Store(tmp_path / "state.db"))
    second.say("rst", *BAD)
    again = second.monitor()
    looked(second, again, 600)
    second.say("banner", *BAD)
    looked(second, again, 900)
    assert (first.kinds, second.kinds) == (["down"], ["back"])


def test_what_was_written_and_not_sent_is_sent_after_the_restart_under_its_number(tmp_path: Path) -> None:
    first = World(["web1"], Store(tmp_path / "state.db"))
    first.refusing = True
    monitor = first.monitor()
    looked(first, monitor)
    first.say("rst", *BAD)
    looked(first, monitor, 300)
    (waiting,) = first.store.unsent()
    first.store.close()
    second = World(["web1"], Store(tmp_path / "state.db"))
    second.monitor()
    asyncio.run(second.post.send_all())
    assert [(one.id, one.message.kind) for _, one in second.told] == [(waiting.id, "down")]
    assert second.store.unsent() == []


def test_a_notifier_that_refuses_is_tried_again_and_in_order(world: World) -> None:
    monitor = world.monitor()
    looked(world, monitor)
    world.refusing = True
    world.say("rst", *BAD)
    looked(world, monitor, 300)
    world.say("banner", *BAD)
    looked(world, monitor, 600)
    assert world.kinds == []
    world.refusing = False
    asyncio.run(world.post.send_all())
    assert world.kinds == ["down", "back"]


def test_on_a_full_disk_the_watching_and_the_telling_go_on(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monitor = world.monitor()
    looked(world, monitor)

    def full(*args: object, **named: object) -> None:
        raise StoreError("state.db: the state cannot be written: database or disk is full")

    with monkeypatch.context() as disk:
        disk.setattr(world.store, "save", full)
        world.say("rst", *BAD)
        looked(world, monitor, 300)
        looked(world, monitor, 600)
    assert world.kinds == ["down"]
    said = capsys.readouterr().err
    assert said.count("database or disk is full; the watching goes on") == 1
    looked(world, monitor, 900)
    assert "the state can be written again" in capsys.readouterr().err
    assert world.store.memories()["web1"].told == "down"


def test_when_the_clock_is_set_no_look_is_missed(world: World) -> None:
    async def hours() -> None:
        monitor = world.monitor(every=20.0)
        running = asyncio.create_task(monitor.run())
        while world.looks < 12 and not running.done():
            world.clock.time += 1.0
            if world.looks == 6:
                world.clock.jumps = 86400.0
                world.looks = 7
            for _ in range(10):
                await asyncio.sleep(0.0005)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(hours())
    assert world.lines == [("web1", "up")]


def test_five_hundred_that_go_down_at_once_are_asked_of_each_witness_in_few_scripts(tmp_path: Path) -> None:
    world = World([f"web{n}" for n in range(500)], Store(tmp_path / "state.db"))
    scripts: list[int] = []
    ask = world.panel._asked

    def counted(witness: object, hosts: list[object], limit: float) -> object:
        scripts.append(len(hosts))
        return ask(witness, hosts, limit)  # type: ignore[arg-type]  # passed on as they came

    world.panel._asked = counted  # type: ignore[assignment]  # the same, counted
    monitor = world.monitor()
    looked(world, monitor)
    for target in world.targets:
        world.say("rst", *BAD, target=target.name)
    looked(world, monitor, 300)
    assert world.kinds == ["down"] * 500
    assert len(scripts) <= 30


def test_a_look_that_fails_is_lost_and_the_watching_goes_on(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    monitor = world.monitor()
    looked(world, monitor)
    look = world._look

    def fail(asked: Host) -> Look:
        raise ValueError("a label is too long")

    monitor.senses = replace(monitor.senses, look=fail)
    looked(world, monitor, 300)
    assert (world.kinds, world.lines[-1]) == ([], ("web1", "up"))  # the witnesses saw it
    assert "web1: a look failed: ValueError: a label is too long" in capsys.readouterr().err
    monitor.senses = replace(monitor.senses, look=look)
    looked(world, monitor, 600)
    assert world.lines[-1] == ("web1", "up")


def test_where_nothing_can_be_printed_people_are_told_all_the_same(world: World) -> None:
    def full(target: Target, change: Change, found: Found | None) -> None:
        raise OSError("No space left on device")

    monitor = world.monitor()
    monitor.senses = replace(monitor.senses, emit=full)
    looked(world, monitor)
    world.say("rst", *BAD)
    looked(world, monitor, 300)
    assert world.kinds == ["down"]


def test_in_a_window_nothing_is_told_and_at_its_end_what_differs_is(world: World) -> None:
    monitor = world.monitor()
    monitor.senses = replace(monitor.senses, maintenance=lambda now: START + 200 <= now < START + 800)
    looked(world, monitor)
    world.say("rst", *BAD)
    looked(world, monitor, 300)
    looked(world, monitor, 600)
    assert (world.kinds, world.lines[-1]) == ([], ("web1", "down"))
    looked(world, monitor, 900)
    assert world.kinds == ["down"]


def test_where_one_goes_down_the_others_of_its_host_are_looked_at_at_once(world: World) -> None:
    host = world.targets[0].host
    others = [Target(name=f"site{n}", host=host, people=world.targets[0].people) for n in range(40)]
    world.targets += others
    monitor = world.monitor(cause=lambda target: None)
    looked(world, monitor)
    for word, kind in (("rst", "down"), ("banner", "back")):
        world.clock.time += 300
        world.say(word, *BAD)

        async def one_look() -> None:
            await monitor.look(world.targets[0])
            while monitor._tasks:
                await asyncio.gather(*monitor._tasks)
            monitor.flush()
            await world.post.send_all()

        asyncio.run(one_look())
        assert world.kinds.count(kind) == 41


def test_a_day_of_flapping_leaves_little_behind(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock sped up: five that are well, and one that is up and down in turns."""
    monkeypatch.setattr("sshdoctor.watch.witness.panel._GATHER", 0.0)
    world.targets += [target_of(host(f"well{n}", "ntfy://ann")) for n in range(5)]
    monitor = world.monitor()
    for number in range(288):
        world.say("rst" if number % 2 else "banner", *BAD)
        looked(world, monitor, number * 300)
        if number % 12 == 0:
            world.store.forget(world.clock.time)
    world.store.forget(world.clock.time)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 6_000_000
    assert len(world.store.looks("well0", 10_000)) == 2  # the first, which was news, and all others
    assert len(world.store.looks("web1", 10_000)) <= 2000
    assert world.kinds == ["down", "back", "down", "flapping"]
    assert capsys.readouterr().err == ""


def test_a_notifier_that_hangs_holds_up_nobody_else(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sshdoctor.watch.post._PATIENCE", 0.05)
    released = threading.Event()
    world.targets[0] = target_of(host("web1", "ntfy://hangs", "ntfy://ann"))
    hanging = world.targets[0].people[0]

    def send(person: str, batch: Sequence[Outgoing]) -> bool:
        if person == hanging:
            released.wait(5)
        world.told.extend((person, one) for one in batch)
        return True

    monkeypatch.setattr(world.post, "_send", send)
    monitor = world.monitor()
    looked(world, monitor)
    world.say("rst", *BAD)
    looked(world, monitor, 300)
    told = [person for person, _ in world.told]
    released.set()
    assert told == [world.targets[0].people[1]]
    assert "ntfy:hangs" in capsys.readouterr().err
