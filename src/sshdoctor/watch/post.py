"""Messages on their way to people: in order for each of them, tried again, several at once as one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from msgspec.structs import replace

from sshdoctor.watch.clock import Clock
from sshdoctor.watch.complaint import complain
from sshdoctor.watch.rules import Message
from sshdoctor.watch.store import Outgoing, Store, StoreError

COLLECT = 3.0
"""So long others are waited for, that may go along."""
_AT_ONCE = 16
_FIRST_RETRY, _LAST_RETRY, _PATIENCE = 5.0, 300.0, 60.0

Send = Callable[[str, Sequence[Outgoing]], bool]
"""Tells a person several things at once, and whether that worked; blocks."""


class Post:
    """The queue of each person; what an earlier monitor wrote, and did not send, is sent by this one."""

    def __init__(self, store: Store, send: Send, clock: Clock) -> None:
        self._store, self._send, self._clock = store, send, clock
        self._queues: dict[str, list[Outgoing]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._running = False
        self._unwritten = 0
        self._threads = ThreadPoolExecutor(_AT_ONCE, "tell")
        self.add(store.unsent())

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def add(self, outgoing: Iterable[Outgoing]) -> None:
        for one in outgoing:
            self._queues.setdefault(one.person, []).append(one)
            if self._running:
                self._wake(one.person)

    def unwritten(self, messages: Iterable[tuple[str, str, Message, float]]) -> list[Outgoing]:
        """Those that the state file has no room for: their numbers are below zero."""
        made = []
        for target, person, message, _ in messages:
            self._unwritten -= 1
            made.append(Outgoing(id=self._unwritten, target=target, person=person, message=message))
        return made

    def explained(self, numbers: Sequence[int], cause: str) -> None:
        """The cause is known, or will not be: they are held no longer."""
        for person, queue in self._queues.items():
            self._queues[person] = [
                replace(one, cause=cause, held_until=0.0) if one.id in numbers else one for one in queue
            ]

    async def run(self) -> None:
        """Send what comes, for ever."""
        self._running = True
        for person in list(self._queues):
            self._wake(person)
        try:
            await asyncio.Event().wait()
        finally:
            for task in self._tasks.values():
                task.cancel()

    async def send_all(self) -> None:
        """All that waits, tried once."""
        await asyncio.gather(*(self._deliver(person) for person in list(self._queues)))

    def _wake(self, person: str) -> None:
        if person not in self._tasks or self._tasks[person].done():
            self._tasks[person] = asyncio.create_task(self._work(person))

    async def _work(self, person: str) -> None:
        """Until nothing waits for this person."""
        pause = _FIRST_RETRY
        while queue := self._queues[person]:
            held = queue[0].held_until - self._clock.now()
            if held > 0:
                await self._clock.sleep(min(held, 1.0))
                continue
            await self._clock.sleep(COLLECT)
            if await self._deliver(person):
                pause = _FIRST_RETRY
            else:
                await self._clock.sleep(pause)
                pause = min(2 * pause, _LAST_RETRY)

    async def _deliver(self, person: str) -> bool:
        """What waits and is not held, in one message; whether it went."""
        queue, now, batch = self._queues[person], self._clock.now(), []
        for one in queue:
            if one.held_until > now:
                break
            batch.append(one)
        if not batch:
            return True
        try:
            sending = asyncio.get_running_loop().run_in_executor(self._threads, self._send, person, batch)
            went = await asyncio.wait_for(sending, _PATIENCE)
        except (
            Exception
        ) as error:  # a notifier is somebody else's program: whatever it does, it is tried again
            complain(f"{person} could not be told: {error or type(error).__name__}; that is tried again")
            return False
        if went:
            numbers = {one.id for one in batch}
            self._queues[person] = [one for one in self._queues[person] if one.id not in numbers]
            try:
                self._store.sent([number for number in numbers if number > 0], self._clock.now())
            except StoreError as error:
                complain(f"{error}; what was sent may be sent again")
        else:
            complain(f"{person} could not be told; that is tried again")
        return went
