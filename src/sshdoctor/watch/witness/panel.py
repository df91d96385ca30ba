"""All witnesses: what is asked of one at about the same time is asked in one go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from sshdoctor.access import open_way
from sshdoctor.errors import AccessError
from sshdoctor.model import Host
from sshdoctor.watch.witness.script import LARGEST, answers, script

MOST, AT_ONCE = 100, 8
"""So many looks in one script; so many scripts at a time."""
_GATHER, _LOGIN, MORE = 0.3, 8.0, 10.0
_log = logging.getLogger(__name__)

Asked = Callable[[Host, Sequence[Host], float], Mapping[int, str]]
"""What a witness says of some hosts, by their numbers, within so many seconds each; blocks."""


def ask(witness: Host, hosts: Sequence[Host], limit: float) -> Mapping[int, str]:
    """By the first way into the witness that works; nothing where none does. Blocks."""
    for way in witness.ways_elsewhere:
        try:
            access = open_way(way, timeout=_LOGIN)
        except AccessError as error:
            _log.info("witness %s: %s: %s", witness.name, way.connection, error)
            continue
        try:
            said = access.run(script(hosts, limit), timeout=limit + MORE, limit=LARGEST)
            return answers(said.stdout, hosts)
        except AccessError as error:
            _log.info("witness %s: %s: %s", witness.name, way.connection, error)
        finally:
            access.close()
    return {}


class Panel:
    """The witnesses by name. ``asked`` is how one is asked."""

    def __init__(self, witnesses: Sequence[Host], limit: float, asked: Asked = ask) -> None:
        self.witnesses = {host.name: host for host in witnesses}
        self._limit, self._asked = limit, asked
        self._pool = ThreadPoolExecutor(AT_ONCE, "witness")
        self._waiting: dict[str, list[tuple[Host, asyncio.Future[str]]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def names_for(self, host: Host, most: int = 3) -> tuple[str, ...]:
        """Who is asked about ``host``: never it about itself."""
        return tuple(name for name in self.witnesses if name != host.name)[:most]

    async def ask(self, name: str, host: Host) -> str:
        """What the witness ``name`` gets from ``host``; "lost" if it could not be asked."""
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        if name not in self._waiting:
            self._waiting[name] = []
            task = asyncio.create_task(self._gather(name))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._waiting[name].append((host, future))
        return await future

    async def _gather(self, name: str) -> None:
        await asyncio.sleep(_GATHER)
        waiting = self._waiting.pop(name)
        parts = [waiting[first : first + MOST] for first in range(0, len(waiting), MOST)]
        await asyncio.gather(*(self._ask(name, part) for part in parts))

    async def _ask(self, name: str, part: Sequence[tuple[Host, asyncio.Future[str]]]) -> None:
        hosts = [host for host, _ in part]
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(
                self._pool, self._asked, self.witnesses[name], hosts, self._limit
            )
        except Exception as error:  # whatever goes wrong with one witness, it has not answered
            _log.info("witness %s: %s", name, error)
            found = {}
        for number, (_, future) in enumerate(part):
            if not future.done():
                future.set_result(found.get(number, "lost"))

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
