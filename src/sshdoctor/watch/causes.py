"""Causes for who only asks for looks (Prometheus): found in the background, once for each outage."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sshdoctor.watch.complaint import complain
from sshdoctor.watch.senses import Found
from sshdoctor.watch.target import Target

_AT_ONCE = 5


class Causes:
    """``find`` looks inside, and takes seconds."""

    def __init__(self, find: Callable[[Target], Found | None]) -> None:
        self._find = find
        self._known: dict[str, Found | None] = {}
        """Of each target that is seen bad; None while it is looked for, and where none was found."""
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(_AT_ONCE, "cause")

    def seen(self, target: Target, good: bool) -> Found | None:
        """The cause, if it is known by now; a first bad look has it looked for."""
        with self._lock:
            if good:
                self._known.pop(target.name, None)
                return None
            if target.name in self._known:
                return self._known[target.name]
            self._known[target.name] = None
        self._pool.submit(self._look_for, target)
        return None

    def _look_for(self, target: Target) -> None:
        try:
            found = self._find(target)
        except Exception as error:  # whatever goes wrong inside, the looks go on
            complain(f"{target.name}: the cause was not found: {error}")
            return
        with self._lock:
            if target.name in self._known:
                self._known[target.name] = found
