"""Whether large packets come through where small ones do: asked by one more connection, byte by byte.

A router that takes smaller packets than its neighbours, and whose ICMP "fragmentation needed" (RFC 1191,
4821) does not come back, lets a connection begin and then stall. Pieces of growing size are sent, each in a
packet of its own, and it is watched which of them is acknowledged (tcp(7), SIOCOUTQ). The host's own first
answer is a large packet too; where that does not come, it is asked for again in small ones (TCP_MAXSEG).
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import socket
import struct
import termios
import time
from collections.abc import Iterator

from msgspec import Struct

from sshdoctor.model import Family, Reply
from sshdoctor.outside.connect import FAMILIES
from sshdoctor.outside.resolve import resolve
from sshdoctor.services.base import GREETING_BYTES, Growing, Service

SMALL_SEGMENT = 500
_STEPS = (536, 800, 1000, 1100, 1200, 1240, 1280, 1320, 1360, 1400, 1420, 1440, 1460)
_HEADERS = {"ipv4": 40, "ipv6": 60}
_TIMESTAMPS = 12


class Passage(Struct, frozen=True, kw_only=True):
    """Sizes are those of IP packets, in bytes. ``passed`` came through to the host, ``stuck`` did not, None
    if all did. ``answered``: the host's first answer came back whole; ``answered_small``: when it was asked
    for in small packets, None where that was not tried."""

    passed: int
    stuck: int | None
    answered: bool
    answered_small: bool | None = None

    @property
    def blocked(self) -> bool:
        """Large packets are lost for certain, this way or that."""
        return self.stuck is not None or (not self.answered and self.answered_small is True)


def measure(reply: Reply, service: Service, timeout: float) -> Passage | None:
    """What comes through to the address of ``reply``; None if there is no greeting, or no way to try it.

    ``timeout`` in seconds for each step.
    """
    growing, family = service.growing, reply.family
    if growing is None or family is None:
        return None
    try:
        with _connected(reply, timeout) as sock:
            if not _greeted(sock):
                return None
            sock.sendall(growing.line)
            if _answered(sock, growing, timeout):
                passed, stuck = _send_growing(sock, growing, family, timeout)
                return Passage(passed=passed, stuck=stuck, answered=True)
    except OSError:
        return None
    small = _answers_in_small_packets(reply, growing, timeout)
    size = SMALL_SEGMENT + _HEADERS[family] + _TIMESTAMPS
    return Passage(passed=size if small else 0, stuck=None, answered=False, answered_small=small)


@contextlib.contextmanager
def _connected(reply: Reply, timeout: float, segment: int | None = None) -> Iterator[socket.socket]:
    target = resolve(reply.address or "", reply.port, timeout=timeout)[0]
    with socket.socket(FAMILIES[target.family], socket.SOCK_STREAM) as sock:
        sock.settimeout(timeout)
        if segment is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # leave nothing to send
        sock.connect(target.sockaddr)
        yield sock


def _greeted(sock: socket.socket) -> bool:
    """The host's greeting, read to the end of its line."""
    said = b""
    while not said.endswith(b"\n") and len(said) < GREETING_BYTES:
        byte = sock.recv(1)
        if not byte:
            return False
        said += byte
    return True


def _answered(sock: socket.socket, growing: Growing, timeout: float) -> bool:
    """Whether the host's first answer comes whole."""
    said, deadline = b"", time.monotonic() + timeout
    while not growing.whole(said):
        sock.settimeout(max(0.05, deadline - time.monotonic()))
        try:
            chunk = sock.recv(65536)
        except TimeoutError:
            return False
        if not chunk:
            return False
        said += chunk
    return True


def _answers_in_small_packets(reply: Reply, growing: Growing, timeout: float) -> bool:
    with contextlib.suppress(OSError), _connected(reply, timeout, SMALL_SEGMENT) as sock:
        if _greeted(sock):
            sock.sendall(growing.line)
            return _answered(sock, growing, timeout)
    return False


def _send_growing(
    sock: socket.socket, growing: Growing, family: Family, timeout: float
) -> tuple[int, int | None]:
    """The largest packet that was acknowledged, and the first that was not."""
    most = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
    headers = _HEADERS[family] + _TIMESTAMPS
    passed = headers + len(growing.line)
    if not _acknowledged(sock, timeout):
        return passed, headers + len(growing.line)
    first = growing.begin
    for size in (*(step for step in _STEPS if step < most), most):
        sock.sendall(first + bytes(size - len(first)))
        if not _acknowledged(sock, timeout):
            return passed, size + headers
        passed, first = size + headers, b""
    return passed, None


def _acknowledged(sock: socket.socket, timeout: float) -> bool:
    """All that was sent is acknowledged before ``timeout``; a packet that was lost by chance is sent
    again."""
    deadline = time.monotonic() + timeout
    waiting = array.array("i", [0])
    while True:
        fcntl.ioctl(sock, termios.TIOCOUTQ, waiting)
        if waiting[0] == 0:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
