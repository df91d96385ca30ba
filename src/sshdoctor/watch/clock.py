"""The time of a monitor: the clock on the wall, which may be set, and one that only goes on."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

_JUMP = 2.0


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since 1970."""
        ...

    def jumped(self) -> float:
        """By how many seconds the clock on the wall was set since this was last asked."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class WallClock:
    """Goes on steadily, also while the machine sleeps; ``jumped`` follows the clock on the wall."""

    def __init__(self) -> None:
        self._offset = time.time() - _steady()

    def now(self) -> float:
        return _steady() + self._offset

    def jumped(self) -> float:
        by = time.time() - self.now()
        if abs(by) < _JUMP:
            return 0.0
        self._offset += by
        return by

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


def _steady() -> float:
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
