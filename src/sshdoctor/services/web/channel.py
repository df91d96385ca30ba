"""One connection to a site: bytes out and in, under one limit for all of it, a slow drip included."""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

_AT_ONCE = 65536


class OvertakenError(Exception):
    """What runs beside has answered first."""


class Beside(Protocol):
    """What is started when its time has come, and may overtake this connection."""

    due: float

    @property
    def answered(self) -> bool: ...

    def start(self) -> socket.socket:
        """What can be read as soon as it has ended."""
        ...


class Channel:
    """``sock`` is a connected socket, and this one's to close; ``deadline`` is by ``time.monotonic``."""

    def __init__(self, sock: socket.socket, deadline: float, beside: Beside | None = None) -> None:
        sock.setblocking(False)
        self.socket: socket.socket | ssl.SSLSocket = sock
        self.deadline = deadline
        self._beside = beside
        self._other: socket.socket | None = None

    def start_tls(self, context: ssl.SSLContext, name: str) -> None:
        """Raises ssl.SSLError, OSError, TimeoutError, OvertakenError."""
        secured = context.wrap_socket(self.socket, server_hostname=name, do_handshake_on_connect=False)
        self.socket = secured
        self._repeat(secured.do_handshake)

    def send(self, data: bytes) -> None:
        """All of it. Raises OSError, TimeoutError, OvertakenError."""
        while data:
            at_once = data[:_AT_ONCE]
            sent: int = self._repeat(lambda: self.socket.send(at_once), sends=True)  # noqa: B023 -- at once
            data = data[sent:]

    def receive(self) -> bytes:
        """What came, "" at the end. Raises OSError, TimeoutError, OvertakenError."""
        received: bytes = self._repeat(lambda: self.socket.recv(_AT_ONCE))
        return received

    def close(self) -> None:
        self.socket.close()

    def abort(self) -> None:
        """End it from another thread: what waits for it is woken."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def _repeat(self, step: Callable[[], Any], sends: bool = False) -> Any:
        while True:
            if time.monotonic() >= self.deadline:  # a flood never waits
                raise TimeoutError("no answer in time")
            try:
                return step()
            except ssl.SSLWantReadError:
                self._wait(reading=True)
            except ssl.SSLWantWriteError:
                self._wait(reading=False)
            except BlockingIOError:
                self._wait(reading=not sends)

    def _wait(self, *, reading: bool) -> None:
        """Until there is something to do. By poll(2): select(2) knows no descriptor above 1023."""
        while (now := time.monotonic()) < self.deadline:
            until = self.deadline
            if self._beside is not None and self._other is None:
                if self._beside.due <= now:
                    self._other = self._beside.start()
                else:
                    until = min(until, self._beside.due)
            waiting = select.poll()
            waiting.register(self.socket, select.POLLIN if reading else select.POLLIN | select.POLLOUT)
            if self._other is not None:
                waiting.register(self._other, select.POLLIN)
            ready = {number for number, _ in waiting.poll((until - now) * 1000 + 1)}
            if self.socket.fileno() in ready:
                return
            if ready:
                self._overtaken()
        raise TimeoutError("no answer in time")

    def _overtaken(self) -> None:
        """What ran beside has ended; one that came to nothing is not waited for again."""
        if self._beside is not None and self._beside.answered:
            raise OvertakenError
        self._beside = self._other = None
