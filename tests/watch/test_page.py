"""The status page: what was down, for how long and why; what nobody saw counts neither way."""

from __future__ import annotations

from pathlib import Path

from sshdoctor.watch.page import availability, page, spans
from sshdoctor.watch.rules import Change
from sshdoctor.watch.senses import Found
from sshdoctor.watch.store import Store
from watch.fake import START, World
from watch.test_monitor import BAD, looked


def change(at: float, state: str, since: float) -> Change:
    return Change(at=at, state=state, word="x", since=since)  # type: ignore[arg-type]  # a state, as text


def test_an_outage_begins_with_the_first_bad_look() -> None:
    found = spans(
        [change(0, "up", 0), change(300, "suspected", 300), change(304, "down", 300), change(900, "up", 900)],
        1200,
    )
    assert [(span.state, span.begins, span.ends) for span in found] == [
        ("up", 0, 300),
        ("down", 300, 900),
        ("up", 900, 1200),
    ]
    assert availability(found, 0) == 0.5


def test_what_nobody_saw_counts_neither_way() -> None:
    found = spans([change(0, "up", 0), change(300, "unknown", 300), change(900, "up", 900)], 1000)
    assert availability(found, 0) == 1.0
    assert availability(spans([change(0, "unknown", 0)], 900), 0) is None


def test_the_page_tells_the_cause_and_puts_nothing_of_a_targets_into_the_html(tmp_path: Path) -> None:
    world = World(["web1<script>"], Store(tmp_path / "state.db"))
    found = Found(id="daemon-stopped", confidence="proved", summary="It is <b>stopped</b>.")
    monitor = world.monitor(cause=lambda target: found)
    looked(world, monitor)
    world.say("rst", *BAD, target="web1<script>")
    looked(world, monitor, 300)
    told = page(world.store, START + 600)
    assert "It is &lt;b&gt;stopped&lt;/b&gt;. (daemon-stopped, proved)" in told
    assert "<script>" not in told and "down for 5 min" in told


def test_what_is_down_stands_first_and_the_first_line_counts(tmp_path: Path) -> None:
    world = World(["a-web", "z-web"], Store(tmp_path / "state.db"))
    monitor = world.monitor()
    looked(world, monitor)
    world.say("rst", *BAD, target="z-web")
    looked(world, monitor, 300)
    told = page(world.store, START + 600)
    assert "<h1>Status: 1 down, 1 up</h1>" in told
    assert told.index("<h2>z-web</h2>") < told.index("<h2>a-web</h2>")
