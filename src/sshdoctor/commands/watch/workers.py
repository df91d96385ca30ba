"""A scheduler's workers as witnesses: asked by the script that every witness runs."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from threading import Lock
from urllib.parse import urlsplit

from sshdoctor.commands.shared.scheduler.connection import Scheduler, connect
from sshdoctor.commands.shared.scheduler.there import Sealed, run_script
from sshdoctor.model import Host, Login
from sshdoctor.watch.witness.panel import MORE, ask
from sshdoctor.watch.witness.script import LARGEST, answers, script


class Workers:
    """Those at ``address`` when the watch began; one that comes back by its name is the same.

    Raises UsageError. What goes wrong later with one of them, or with the scheduler, is no answer of theirs.
    """

    def __init__(self, address: str) -> None:
        self._address, self._lock = address, Lock()
        self._scheduler = connect(address)
        self.here: list[str] = []
        """Those on this machine, which sees no more than the watch does."""
        self.witnesses: list[Host] = []  # asked by the scheduler, by no service of their own
        for name, place in sorted(self._scheduler.workers().items()):
            at = urlsplit(place)
            if _is_here(at.hostname or ""):
                self.here.append(name)
            else:
                login = Login(address=at.hostname or name, port=at.port or 0)
                self.witnesses.append(Host(service="", name=name, login=login, ways=()))

    def ask(self, witness: Host, hosts: Sequence[Host], limit: float) -> Mapping[int, str]:
        """What a worker, or another witness, gets from ``hosts``. Blocks; raises whatever goes wrong."""
        if witness not in self.witnesses:
            return ask(witness, hosts, limit)
        scheduler = self._connected()
        executor = scheduler.executor(scheduler.address_of(witness.name))
        asked = executor.submit(run_script, Sealed(script(hosts, limit)), limit + MORE, LARGEST)
        try:
            return answers(asked.result(limit + 2 * MORE), hosts)
        finally:
            asked.cancel()

    def _connected(self) -> Scheduler:
        with self._lock:
            if not self._scheduler.alive:
                self._scheduler.close()
                self._scheduler = connect(self._address)
            return self._scheduler

    def close(self) -> None:
        self._scheduler.close()


def _is_here(address: str) -> bool:
    """Whether it is one of this machine's own."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.create_server((address, 0), family=family):
            return True
    except OSError:
        return False
