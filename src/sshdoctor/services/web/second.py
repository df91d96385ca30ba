"""A second request beside one that is waited for: whichever answers first is listened to."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from sshdoctor.model import Exchange
from sshdoctor.services.web.channel import Channel

BEGINS = 5.0
"""Seconds without an answer to HEAD, after which GET is asked beside it: sooner where the limit is short."""

Ask = Callable[[Callable[[Channel], None]], Exchange]
"""Makes the request; it gives its channel to the function that it is called with."""


class Second:
    """``ask`` in a thread of its own, from ``start`` on. ``cancel`` it in any case."""

    def __init__(self, ask: Ask, limit: float) -> None:
        self.due = time.monotonic() + min(BEGINS, limit / 4)
        self._ask = ask
        self._ended, self._told = socket.socketpair()
        self._thread: threading.Thread | None = None
        self._made: Exchange | None = None
        self._error: Exception | None = None
        self._channel: Channel | None = None
        self._cancelled = False

    @property
    def started(self) -> bool:
        return self._thread is not None

    @property
    def answered(self) -> bool:
        return self._made is not None

    def start(self) -> socket.socket:
        """What can be read as soon as it has ended."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self._ended

    def result(self) -> Exchange:
        """Its answer, waited for. Raises what it met."""
        assert self._thread is not None  # noqa: S101 -- only what was started has a result
        self._thread.join()
        if self._made is None:
            raise self._error or TimeoutError("no answer in time")
        return self._made

    def cancel(self) -> None:
        self._cancelled = True
        if self._channel is not None and not self.answered:
            self._channel.abort()
        if not self.started:
            self._told.close()
        self._ended.close()

    def _run(self) -> None:
        try:
            self._made = self._ask(self._on)
        except Exception as error:  # it is raised where the result is asked for
            self._error = error
        with suppress(OSError):
            self._told.send(b".")
        self._told.close()

    def _on(self, channel: Channel) -> None:
        self._channel = channel
        if self._cancelled:
            channel.abort()
