"""Something done ahead, in a thread, while this program waits or imports: a person waits for both."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from threading import Lock, Thread
from typing import Generic, TypeVar

T = TypeVar("T")


class Background(Generic[T]):
    """Starts ``work`` at once; ``result`` waits for it.

    >>> Background(lambda: 6 * 7).result()
    42
    """

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._values: list[T] = []
        self._error: BaseException | None = None
        # A daemon: an interrupt of the main thread must not wait for it.
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def result(self) -> T:
        """What ``work`` gave. Raises what it raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._values[0]

    def _run(self) -> None:
        try:
            self._values.append(self._work())
        except BaseException as error:  # it is raised again where the result is asked for
            self._error = error


def once(work: Callable[[], T]) -> Callable[[], T]:
    """``work``, done at the first call, in whatever thread that is; the others wait and get the same.

    >>> count = once(iter([1, 2]).__next__)
    >>> count(), count()
    (1, 1)
    """
    return kept(math.inf, work)


def kept(seconds: float, work: Callable[[], T]) -> Callable[[], T]:
    """``work``, done again at the first call after what it gave is older than ``seconds``.

    >>> count = kept(60, iter([1, 2]).__next__)
    >>> count(), count()
    (1, 1)
    """
    lock, values = Lock(), list[tuple[float, T]]()

    def result() -> T:
        with lock:
            if not values or time.monotonic() - values[-1][0] > seconds:
                values[:] = [(time.monotonic(), work())]
            return values[-1][1]

    return result
