"""A world in which time passes only where somebody waits for it, and targets answer as they are told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from sshdoctor.model import Host, Login, Secret, WayIn
from sshdoctor.watch.look import Look
from sshdoctor.watch.monitor import Monitor
from sshdoctor.watch.post import Post
from sshdoctor.watch.rules import Change
from sshdoctor.watch.senses import Found, Senses
from sshdoctor.watch.store import Outgoing, Store
from sshdoctor.watch.target import Target, target_of
from sshdoctor.watch.witness.panel import Panel

START = 1_000_000.0


class FakeClock:
    """Whoever sleeps wakes when all others do, and it is then."""

    def __init__(self) -> None:
        self.time, self.jumps = START, 0.0

    def now(self) -> float:
        return self.time

    def jumped(self) -> float:
        by, self.jumps = self.jumps, 0.0
        self.time += by
        return by

    async def sleep(self, seconds: float) -> None:
        until = self.time + max(0.0, seconds)
        while self.time < until:
            await asyncio.sleep(0)


def host(name: str, *people: str) -> Host:
    login = Login(address=name, port=2222)
    way = WayIn(connection="ssh", login=login)
    return Host(name=name, service="ssh", login=login, ways=(way,), notify=tuple(map(Secret, people)))


class World:
    """``words``: what each target answers to each who looks; "banner" where nothing is said."""

    def __init__(
        self, names: Sequence[str], store: Store, witnesses: Sequence[str] = ("w1", "w2", "w3")
    ) -> None:
        self.words: dict[tuple[str, str], str] = {}
        self.told: list[tuple[str, Outgoing]] = []
        self.lines: list[tuple[str, str]] = []
        self.causes: list[Found | None] = []
        self.line = True
        self.refusing = False
        self.looks = 0
        self.clock = FakeClock()
        self.targets: list[Target] = [target_of(host(name, "ntfy://ann")) for name in names]
        self.store = store
        self.panel = Panel([host(name) for name in witnesses], 20.0, self._ask)
        self.post = Post(store, self._send, self.clock)

    def monitor(self, cause: Callable[[Target], Found | None] | None = None, every: float = 300.0) -> Monitor:
        senses = Senses(
            look=self._look,
            line=lambda: self.line,
            emit=self._emit,
            cause=cause,
        )
        return Monitor(
            self.targets,
            every,
            senses,
            self.panel,
            self.store,
            self.post,
            self.clock,
        )

    def say(self, word: str, *who: str, target: str = "web1") -> None:
        for one in who:
            self.words[target, one] = word

    def _look(self, asked: Host) -> Look:
        self.looks += 1
        return Look(word=self.words.get((asked.name, "here"), "banner"))

    def _ask(self, witness: Host, hosts: Sequence[Host], limit: float) -> Mapping[int, str]:
        return {
            number: self.words.get((one.name, witness.name), "banner") for number, one in enumerate(hosts)
        }

    def _send(self, person: str, batch: Sequence[Outgoing]) -> bool:
        if self.refusing:
            return False
        self.told += [(person, one) for one in batch]
        return True

    def _emit(self, target: Target, change: Change, found: Found | None) -> None:
        self.lines.append((target.name, change.state))
        self.causes.append(found)

    @property
    def kinds(self) -> list[str]:
        return [one.message.kind for _, one in self.told]
