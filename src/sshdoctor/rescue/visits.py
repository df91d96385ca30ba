"""Who is connected, and for how long: nobody can keep out another by being slow.

A visitor who has not shown a token yet gives way to the next one of the same address, or of any address where
there is no room left; one who has is left alone until the time for a whole request is over.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

from msgspec import Struct

MOST, MOST_OF_A_PEER = 16, 4
_TO_BEGIN, _IN_ALL = 10, 180
"""Seconds: to show a token, and for a whole request after that."""


class _Visit(Struct):
    socket: socket.socket
    peer: str
    deadline: float
    welcome: bool = False


class Visits:
    """The open connections, the oldest first."""

    def __init__(self) -> None:
        self._open: list[_Visit] = []
        self._lock = threading.Lock()

    def begin(self, connection: socket.socket, peer: str) -> bool:
        """Whether there is room for one more."""
        with self._lock:
            of_peer = [visit for visit in self._open if visit.peer == peer]
            for others, most in ((of_peer, MOST_OF_A_PEER), (self._open, MOST)):
                if len(others) >= most and not self._give_way(others):
                    return False
            self._open.append(_Visit(connection, peer, time.monotonic() + _TO_BEGIN))
        return True

    def welcome(self, connection: socket.socket) -> None:
        """It has shown a token."""
        with self._lock:
            for visit in self._open:
                if visit.socket is connection:
                    visit.welcome, visit.deadline = True, time.monotonic() + _IN_ALL

    def end(self, connection: socket.socket) -> None:
        with self._lock:
            self._open = [visit for visit in self._open if visit.socket is not connection]

    def end_late_ones(self) -> None:
        """Ends those whose time is over."""
        with self._lock:
            for visit in [visit for visit in self._open if visit.deadline < time.monotonic()]:
                self._end(visit)

    def _give_way(self, visits: Sequence[_Visit]) -> bool:
        stranger = next((visit for visit in visits if not visit.welcome), None)
        if stranger is not None:
            self._end(stranger)
        return stranger is not None

    def _end(self, visit: _Visit) -> None:
        """Its thread then reads the end of the connection, and closes it."""
        self._open.remove(visit)
        with suppress(OSError):
            visit.socket.shutdown(socket.SHUT_RDWR)
