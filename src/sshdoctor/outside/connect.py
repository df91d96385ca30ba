"""One TCP connect, and what became of it."""

from __future__ import annotations

import contextlib
import errno
import socket
import time

from sshdoctor.outside.icmp import Refusal, judge_entry, judge_errno, read_errors, watch_errors
from sshdoctor.outside.resolve import Endpoint

FAMILIES = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
_HOP_LIMIT = {
    "ipv4": (socket.IPPROTO_IP, socket.IP_TTL),
    "ipv6": (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS),
}
_SERVICE_TYPE = {
    "ipv4": (socket.IPPROTO_IP, socket.IP_TOS),
    "ipv6": (socket.IPPROTO_IPV6, socket.IPV6_TCLASS),
}


class ConnectAttempt:
    """A connect under way: ``start`` it, ``advance`` it when its socket is writable, or ``give_up``.

    Afterwards either ``connected``, or ``refusal`` says why not. ``elapsed_ms`` is the time from the
    SYN to that answer; ``source`` this machine's address, known as soon as there is a route.
    ``bind``: the address to dial from, which this machine must have (BindAddress).
    ``service_type``: the byte that its packets bear (DSCP and ECN), 0 for none (ip(7), IP_TOS).
    ``hop_limit``: the packets pass so many routers, less one (ip(7), IP_TTL; ipv6(7), IPV6_UNICAST_HOPS).
    """

    def __init__(
        self, target: Endpoint, hop_limit: int | None = None, service_type: int = 0, bind: str | None = None
    ) -> None:
        self.target = target
        self.bind = bind
        self.service_type = service_type
        self.hop_limit = hop_limit
        self.connected = False
        self.refusal: Refusal | None = None
        self.elapsed_ms: float | None = None
        self.source: str | None = None
        self.source_port: int | None = None
        self.socket: socket.socket | None = None
        self._queue = False
        self._began = time.monotonic()

    @property
    def over(self) -> bool:
        return self.connected or self.refusal is not None

    @property
    def no_way(self) -> bool:
        """No packet left: this machine has no route there, no such family, or no descriptors."""
        return self.refusal is not None and self.refusal.word == "local-unreachable" and self.source is None

    def start(self) -> None:
        """Send the SYN; the answer may be there at once (no route, or a RST on the loopback)."""
        try:
            self.socket = socket.socket(FAMILIES[self.target.family], socket.SOCK_STREAM)
        except OSError as error:  # IPv6 is off, or no descriptors are left
            self._refuse(Refusal("local-unreachable", None, error.strerror))
            return
        self.socket.setblocking(False)
        if self.hop_limit is not None:
            self.socket.setsockopt(*_HOP_LIMIT[self.target.family], self.hop_limit)
        self._mark()
        self._queue = watch_errors(self.socket, self.target.family)
        self._began = time.monotonic()
        if self.bind is not None:
            try:
                self.socket.bind((self.bind, 0))
            except OSError as error:
                self._refuse(Refusal("local-unreachable", None, f"BindAddress {self.bind}: {error.strerror}"))
                return
        number = self.socket.connect_ex(self.target.sockaddr)
        self.source, self.source_port = own_address(self.socket)
        if number not in (0, errno.EINPROGRESS):
            self._fail(number, at_once=True)

    def _mark(self) -> None:
        """Where the platform has no such thing, packets go without."""
        if self.service_type and self.socket is not None:
            with contextlib.suppress(OSError):
                self.socket.setsockopt(*_SERVICE_TYPE[self.target.family], self.service_type)

    def advance(self) -> None:
        """The socket is ready: connected, refused, or neither (an entry that refuses nothing)."""
        assert self.socket is not None  # noqa: S101 -- only a started knock is waited for
        if self._refused_by_queue():
            return
        number = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            self._fail(number, at_once=False)
        elif _is_connected(self.socket):
            watch_errors(self.socket, self.target.family, on=False)  # or an ICMP could end the session
            self.connected = True
            self._stop_clock()

    def give_up(self) -> None:
        """The time is over."""
        if not self._refused_by_queue():
            self._refuse(Refusal("silence"))

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def _fail(self, number: int, *, at_once: bool) -> None:
        if not self._refused_by_queue():
            address = self.target.address
            self._refuse(judge_errno(number, at_once=at_once, queue=self._queue, address=address))

    def _refused_by_queue(self) -> bool:
        if self._queue and self.socket is not None:
            here = _is_own(self.target.address, self)
            for entry in read_errors(self.socket, self.target.family):
                own = entry.offender is not None and not here and _is_own(entry.offender, self)
                if refusal := judge_entry(entry, own=own):
                    self._refuse(refusal)
                    return True
        return False

    def _refuse(self, refusal: Refusal) -> None:
        self.refusal = refusal
        if refusal.word != "silence":
            self._stop_clock()
        self.close()

    def _stop_clock(self) -> None:
        self.elapsed_ms = round((time.monotonic() - self._began) * 1000, 1)


def own_address(sock: socket.socket) -> tuple[str | None, int | None]:
    """The source address and port that the kernel chose; None while there is none."""
    try:
        address, port, *_ = sock.getsockname()
    except OSError:
        return None, None
    unbound = address in ("0.0.0.0", "::")  # noqa: S104 -- compared, not bound
    return (None, None) if unbound else (address, port)


def _is_connected(sock: socket.socket) -> bool:
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


def _is_own(address: str, knock: ConnectAttempt) -> bool:
    """Whether this machine has ``address``: only then may a socket be bound to it."""
    if address == knock.source:
        return True
    scope = knock.target.sockaddr[3] if knock.target.family == "ipv6" else 0
    with socket.socket(FAMILIES[knock.target.family], socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address.partition("%")[0], 0, 0, scope)[: len(knock.target.sockaddr)])
        except OSError:
            return False
    return True
