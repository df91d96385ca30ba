"""One connection to a site: bytes out and in, under one limit for all of it, a slow drip included."""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

_AT_ONCE = 65536


class Channel:
    """``sock`` is a connected socket, and this one's to close; ``deadline`` is by ``time.monotonic``."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        sock.setblocking(False)
        self.socket: socket.socket | ssl.SSLSocket = sock
        self.deadline = deadline

    def start_tls(self, context: ssl.SSLContext, name: str) -> None:
        """Raises ssl.SSLError, OSError, TimeoutError."""
        secured = context.wrap_socket(self.socket, server_hostname=name, do_handshake_on_connect=False)
        self.socket = secured
        self._repeat(secured.do_handshake)

    def send(self, data: bytes) -> None:
        """All of it. Raises OSError, TimeoutError."""
        while data:
            at_once = data[:_AT_ONCE]
            sent: int = self._repeat(lambda: self.socket.send(at_once), sends=True)  # noqa: B023 -- at once
            data = data[sent:]

    def receive(self) -> bytes:
        """What came, "" at the end. Raises OSError, TimeoutError."""
        received: bytes = self._repeat(lambda: self.socket.recv(_AT_ONCE))
        return received

    def close(self) -> None:
        self.socket.close()

    def _repeat(self, step: Callable[[], Any], sends: bool = False) -> Any:
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self._wait(reading=True)
            except ssl.SSLWantWriteError:
                self._wait(reading=False)
            except BlockingIOError:
                self._wait(reading=not sends)

    def _wait(self, *, reading: bool) -> None:
        left = self.deadline - time.monotonic()
        both = [self.socket]
        if left <= 0 or not any(select.select(both, [] if reading else both, [], left)):
            raise TimeoutError("no answer in time")
