"""The watching: every target is looked at in its turn; what the rules make of it is kept, and told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TypeVar

from msgspec.structs import replace

from sshdoctor.watch.clock import Clock
from sshdoctor.watch.complaint import complain
from sshdoctor.watch.lines import shifted
from sshdoctor.watch.look import Look
from sshdoctor.watch.neighbours import Neighbours
from sshdoctor.watch.post import Post
from sshdoctor.watch.rules import Change, Event, Memory, Message, Rules, advance
from sshdoctor.watch.rules.memory import HERE
from sshdoctor.watch.senses import Found, Senses
from sshdoctor.watch.store import Outgoing, Store, StoreError
from sshdoctor.watch.target import Target
from sshdoctor.watch.witness.panel import Panel

T = TypeVar("T")
THREADS = 512
_FLUSH, _FORGET, _LINE_KNOWN = 1.0, 3600.0, 15.0
HELD = 40.0
"""So long a message that it is down waits for its cause."""
_MOST_CAUSES = 5
"""So many hosts at a time are looked into, each once; of a storm the others are told without."""


class Monitor:
    """``store`` is its own; ``post`` takes the messages."""

    def __init__(
        self,
        targets: Sequence[Target],
        every: float,
        senses: Senses,
        panel: Panel,
        store: Store,
        post: Post,
        clock: Clock,
    ) -> None:
        self.targets, self.every, self.senses = targets, every, senses
        self.panel, self.store, self.post, self.clock = panel, store, post, clock
        self.rules = {
            target.name: Rules(
                every=every,
                witnesses=panel.names_for(target.host),
                people=target.people,
                working=target.working,
            )
            for target in targets
        }
        kept = store.memories()
        now = clock.now()
        self.memories = {
            target.name: _woken(kept.get(target.name, Memory()), self.rules[target.name], now)
            for target in targets
        }
        self._by_name = {target.name: target for target in targets}
        self._dirty: set[str] = set()
        self._looks: list[tuple[str, Event, bool]] = []
        self._changes: list[tuple[str, Change]] = []
        self._messages: list[tuple[str, str, Message, float]] = []
        self._threads = ThreadPoolExecutor(min(THREADS, len(targets) + 4), "look")
        self._line: tuple[float, asyncio.Task[bool]] | None = None
        self._looked_into: set[str] = set()
        self._neighbours = Neighbours(targets)
        self._tasks: set[asyncio.Task[None]] = set()
        self._complained = ""
        self._alone = False
        self.late = 0.0
        """By how many seconds the latest look came late."""

    async def run(self) -> None:
        """For ever."""
        post = asyncio.create_task(self.post.run())
        looking = [
            asyncio.create_task(self._watch(target, number)) for number, target in enumerate(self.targets)
        ]
        try:
            await asyncio.gather(self._keep(), post, *looking)
        finally:
            for task in (post, *looking, *self._tasks):
                task.cancel()
            self.flush()
            self.close()

    async def once(self) -> None:
        """Every target once; what is to be told has been, or waits in the state file.

        Where there are no witnesses one look is all: a second could not make it down either.
        """
        self._alone = True
        await asyncio.gather(*(self.look(target) for target in self.targets))
        await asyncio.gather(*self._tasks)
        self.flush()
        await self.post.send_all()
        self.close()

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.panel.close()
        self.post.close()

    async def _watch(self, target: Target, number: int) -> None:
        """Spread evenly; a round that a stop broke is taken up at once."""
        broken = self.memories[target.name].round is not None
        await self.clock.sleep(0.0 if broken else self.every * number / len(self.targets))
        due = self.clock.now()
        while True:
            self.late = max(self.late, self.clock.now() - due)
            await self.look(target)
            due += self.every
            while due <= self.clock.now():
                due += self.every
            await self.clock.sleep(due - self.clock.now())

    async def _keep(self) -> None:
        """What is not urgent is written now and then."""
        forgotten, window = self.clock.now(), False
        while True:
            await self.clock.sleep(_FLUSH)
            if by := self.clock.jumped():
                complain(f"the clock was set by {by:+.0f} s; no look is missed for it")
                self.memories = {name: shifted(kept, by) for name, kept in self.memories.items()}
            if (within := self.senses.maintenance(self.clock.now())) != window:
                window = within
                for target in self.targets:
                    self._window(target, self.clock.now())
            self.flush()
            if self.clock.now() - forgotten > _FORGET:
                forgotten = self.clock.now()
                self._written(partial(self.store.forget, forgotten))

    async def look(self, target: Target) -> None:
        """One that is due, and the round that it may begin."""
        at = self.clock.now()
        self._window(target, at)
        seen = await self._seen(target)
        self.take(target, Event(at, HERE, seen.word, seen.note))
        rules = self.rules[target.name]
        if self.memories[target.name].round is not None and (rules.witnesses or not self._alone):
            await self._round(target, rules)

    async def _round(self, target: Target, rules: Rules) -> None:
        up = await self._line_up()
        if up != self.memories[target.name].line_up:
            self.take(target, Event(self.clock.now(), "@line", "up" if up else "down"))
        asked = [self._again(target), *(self._elsewhere(target, name) for name in rules.witnesses)]
        for answer in asyncio.as_completed(asked):
            who, word, note = await answer
            self.take(target, Event(self.clock.now(), who, word, note))

    async def _again(self, target: Target) -> tuple[str, str, str]:
        seen = await self._seen(target)
        return HERE, seen.word, seen.note

    async def _seen(self, target: Target) -> Look:
        """Whatever goes wrong with one look, the watching goes on; it is lost."""
        try:
            return await self._blocking(lambda: self.senses.look(target.host))
        except Exception as error:
            complain(f"{target.name}: a look failed: {type(error).__name__}: {error}")
            return Look(word="unknown", note=f"the look failed: {error}")

    async def _elsewhere(self, target: Target, name: str) -> tuple[str, str, str]:
        return name, await self.panel.ask(name, target.host), ""

    async def _line_up(self) -> bool:
        """As it was at most some seconds ago: a storm asks once."""
        now = self.clock.now()
        if self._line is None or now - self._line[0] > _LINE_KNOWN:
            self._line = now, asyncio.ensure_future(self._blocking(self.senses.line))
        try:
            return await self._line[1]
        except Exception as error:
            complain(f"whether this machine's line is up was not found: {error}")
            return False

    def _blocking(self, work: Callable[[], T]) -> Awaitable[T]:
        return asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _window(self, target: Target, at: float) -> None:
        """Whether nothing is told now."""
        within = self.senses.maintenance(at)
        if within != self.memories[target.name].maintenance:
            self.take(target, Event(at, "@maintenance", "start" if within else "end"))

    def take(self, target: Target, event: Event) -> None:
        """What an event does; what is new is written before anybody is told."""
        was = self.memories[target.name]
        step = advance(self.rules[target.name], was, event)
        self.memories[target.name] = step.memory
        self._dirty.add(target.name)
        routine = event.who == HERE and not step.changes and was.round is None and step.memory.round is None
        self._looks.append((target.name, event, routine))
        explained = self._may_explain(target) and any(message.kind == "down" for message in step.messages)
        for change in step.changes:
            self._changes.append((target.name, change))
            if not (explained and change.state == "down"):
                self._emit(target, change, None)
        held = self.clock.now() + HELD if explained else 0.0
        for message in step.messages:
            self._messages += [(target.name, to, message, held) for to in message.to]
        if step.changes or step.messages:
            written = [one for one in self.flush() if one.target == target.name and one.held_until]
            if explained:
                self._looked_into.add(target.host.name)
                self._start(self._explain(target, step.changes[-1:], written))
        if "down" in (was.settled, step.memory.settled) and was.settled != step.memory.settled:
            self._look_beside(target)

    def _look_beside(self, target: Target) -> None:
        """At the others of its host at once, so that one message tells of all of them."""
        if not self._alone:
            for other in self._neighbours.of(target, self.clock.now()):
                if self.memories[other.name].round is None:
                    self._start(self.look(other))

    def _emit(self, target: Target, change: Change, found: Found | None) -> None:
        """Where nothing can be printed (a full disk), the watching goes on."""
        with suppress(OSError):
            self.senses.emit(target, change, found)

    def _may_explain(self, target: Target) -> bool:
        free = len(self._looked_into) < _MOST_CAUSES and target.host.name not in self._looked_into
        return self.senses.cause is not None and free

    async def _explain(self, target: Target, changes: Sequence[Change], held: Sequence[Outgoing]) -> None:
        """Find the cause, once; what waits for it goes on its way with it, or without."""
        found, find = None, self.senses.cause
        assert find is not None  # noqa: S101 -- nothing is held without it
        try:
            found = await asyncio.wait_for(self._blocking(lambda: find(target)), HELD)
        except Exception as error:  # it is told that it is down, whatever became of the cause
            why = str(error) or type(error).__name__
            complain(f"{target.name}: the cause was not found: {why}")
        finally:
            self._looked_into.discard(target.host.name)
        for change in changes:
            self._emit(target, change, found)
        numbers, cause = [one.id for one in held], str(found) if found else ""
        self._written(lambda: self.store.explain(numbers, cause))
        self.post.explained(numbers, cause)

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def flush(self) -> list[Outgoing]:
        """Write all that is new, in one go; what cannot be written is kept, and tried again."""
        if not (self._dirty or self._looks or self._changes or self._messages):
            return []
        memories = [
            (name, self._by_name[name].service, self.every, self.memories[name]) for name in self._dirty
        ]
        written: list[Outgoing] = []

        def save() -> None:
            written.extend(self.store.save(memories, self._looks, self._changes, self._messages))

        if self._written(save):
            self._dirty, self._looks, self._changes, self._messages = set(), [], [], []
        else:
            self._looks = self._looks[-10_000:]
            # Better told by a monitor that cannot remember it than not at all.
            written = self.post.unwritten(self._messages)
            self._messages = []
        self.post.add(written)
        return written

    def _written(self, write: Callable[[], None]) -> bool:
        """Whether it could be; a person is told when that begins, and when it ends."""
        try:
            write()
        except StoreError as error:
            if self._complained != str(error):
                complain(f"{error}; the watching goes on")
            self._complained = str(error)
            return False
        if self._complained:
            complain("the state can be written again")
        self._complained = ""
        return True


def _woken(kept: Memory, rules: Rules, now: float) -> Memory:
    """What was remembered, after a start."""
    step = advance(rules, kept, Event(min(now, (kept.looked or now) + rules.every), "@restart"))
    memory = step.memory
    return replace(memory, looked=now) if memory.looked is not None and memory.looked > now else memory
