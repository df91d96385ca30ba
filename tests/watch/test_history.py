"""What the state file tells later: why a state is what it is, and the looks as a recording that replays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sshdoctor.errors import UsageError
from sshdoctor.watch.history import explain, known_target, recording
from sshdoctor.watch.recording import read_recording
from sshdoctor.watch.replay import replay
from sshdoctor.watch.store import Store
from watch.fake import START, World
from watch.test_monitor import BAD, looked


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An outage of half an hour, after a night of good looks; only this machine is refused afterwards."""
    world = World(["web1"], Store(tmp_path / "state.db"))
    monitor = world.monitor()
    for at in range(0, 3000, 300):
        looked(world, monitor, at)
    world.say("rst", *BAD)
    for at in range(3000, 4800, 300):
        looked(world, monitor, at)
    world.say("banner", *BAD)
    looked(world, monitor, 4800)
    world.say("silence", "here")
    looked(world, monitor, 5100)
    return world


def test_it_is_explained_by_the_looks_of_all_who_looked(world: World) -> None:
    said = "\n".join(explain(world.store, "web1", START + 5200))
    assert said.startswith("web1: up since")
    assert "why: not seen up by here: silence" in said
    assert "w3 saw:" in said and "(9 times since" in said


def test_what_is_remembered_replays_to_the_same_states(world: World, tmp_path: Path) -> None:
    file = tmp_path / "looks.yml"
    file.write_text("\n".join(recording(world.store, "web1")))
    lines = [json.loads(line) for line in replay(read_recording(file))]
    assert [("web1", line["state"]) for line in lines if "state" in line] == world.lines
    assert [line["told"] for line in lines if "told" in line] == world.kinds == ["down", "back"]


def test_a_target_may_be_named_by_a_part_that_no_other_has(tmp_path: Path) -> None:
    world = World(["web1.example.org", "web2.example.org"], Store(tmp_path / "state.db"))
    looked(world, world.monitor())
    assert known_target(world.store, "web2") == "web2.example.org"
    with pytest.raises(UsageError, match="2 targets have that in their names"):
        known_target(world.store, "example")
    with pytest.raises(UsageError, match="there is no such target in the state file: web1"):
        known_target(world.store, "mail")
