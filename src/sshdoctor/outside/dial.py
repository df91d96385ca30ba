"""Dial every address of a login at once, and say what each one answered."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Sequence

from msgspec import Struct

from sshdoctor.errors import AccessError
from sshdoctor.model import Login, Reply, is_address
from sshdoctor.outside.connect import ConnectAttempt
from sshdoctor.outside.resolve import Endpoint, resolve, unresolved
from sshdoctor.services import progress
from sshdoctor.services.base import GREETED, GREETING_BYTES, Greeting, Service


class DialResult(Struct, frozen=True):
    """One address and its reply; ``socket`` is there only after a greeting, unread, the caller's to close."""

    reply: Reply
    socket: socket.socket | None = None


def dial(login: Login, service: Service, timeout: float) -> tuple[DialResult, ...]:
    """What a client gets on every address of ``login``, in the order in which clients try them.

    ``timeout`` in seconds for each step: the name, the connect, the greeting. Over one second a
    refusal is seen even past the kernel's ICMP rate limit (the SYN is sent again), over three a dead
    neighbour is told from silence. Nothing is written to the connection. A name that does not resolve
    is one reply, ``name-not-found``. A login through jump hosts is not dialled from here: ``()``.
    """
    if login.jumps:
        return ()
    family = login.options.get("addressfamily", "any").lower()
    try:
        targets = resolve(login.address, login.port, family=family, timeout=timeout)
    except AccessError as error:
        return (DialResult(unresolved(error, login.port)),)
    marked = service.service_type(login)
    calls = [
        Call(ConnectAttempt(target, service_type=marked, bind=_bind(login, target)), service, timeout)
        for target in targets
    ]
    call_all(calls)
    return tuple(call.result(login.port) for call in calls)


def _bind(login: Login, target: Endpoint) -> str | None:
    """The address that the client's own settings dial from, where it is one of the target's family."""
    named = login.options.get("bindaddress", "")
    same = is_address(named) and (":" in named) == (target.family == "ipv6")
    return named if same else None


class Call:
    """A knock, then (if a service is named) its greeting, each within ``timeout`` seconds."""

    def __init__(self, knock: ConnectAttempt, service: Service | None, timeout: float) -> None:
        self.knock = knock
        self.service = service
        self.greeting: Greeting | None = None
        self._said = b""
        self.timeout = timeout
        self.deadline = time.monotonic() + timeout

    @property
    def over(self) -> bool:
        met = self.knock.connected and self.service is None
        return met or self.knock.refusal is not None or self.greeting is not None

    @property
    def awaits(self) -> int:
        return selectors.EVENT_READ if self.knock.connected else selectors.EVENT_WRITE

    def advance(self) -> None:
        if not self.knock.connected:
            self.knock.advance()
            if self.knock.connected:
                self.deadline = time.monotonic() + self.timeout
        else:
            self._listen()

    def give_up(self) -> None:
        if self.knock.connected:
            self._listen(ended="time")
        else:
            self.knock.give_up()

    def _listen(self, ended: str | None = None) -> None:
        sock, service = self.knock.socket, self.service
        assert sock is not None and service is not None  # noqa: S101 -- only they listen
        data, closed = peek(sock)
        if closed is None and ended is None and len(data) == len(self._said):
            closed = "closed"  # woken for more, and there is no more: the end
        self._said = data or self._said
        self.greeting = service.greet(self._said, closed or ended)
        # Part of a line stays readable for ever: wake up only when there is more of it (socket(7)).
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1 if self.greeting else len(self._said) + 1)

    def result(self, port: int) -> DialResult:
        knock, greeting, refusal = self.knock, self.greeting, self.knock.refusal
        said = greeting or refusal
        assert said is not None  # noqa: S101 -- every call ends with one of them
        reply = Reply(
            address=knock.target.address,
            family=knock.target.family,
            port=port,
            word=said.word,
            sender=refusal.sender if refusal else None,
            elapsed_ms=knock.elapsed_ms,
            banner=greeting.banner if greeting else None,
            detail=said.detail,
            source=knock.source,
            source_port=knock.source_port,
            lost=knock.no_way,
        )
        if progress(reply.word) < GREETED:
            knock.close()
        return DialResult(reply, knock.socket)


def peek(sock: socket.socket) -> tuple[bytes, str | None]:
    """What has come so far, left where it is, and "closed" or "reset" if nothing follows."""
    try:
        data = sock.recv(GREETING_BYTES, socket.MSG_PEEK)
    except BlockingIOError:
        return b"", None
    except OSError:
        return b"", "reset"
    return data, None if data else "closed"


def call_all(calls: Sequence[Call]) -> None:
    """Make all of them at once, to the end of each; if that is broken off, none stays open."""
    try:
        _call_all(calls)
    except BaseException:
        for call in calls:
            call.knock.close()
        raise


def _call_all(calls: Sequence[Call]) -> None:
    with selectors.DefaultSelector() as selector:
        for call in calls:
            call.knock.start()
            if call.knock.socket:
                selector.register(call.knock.socket, call.awaits, call)
        while waiting := list(selector.get_map().values()):
            soonest: float = min(key.data.deadline for key in waiting)
            ready = {key.fd for key, _ in selector.select(max(0.0, soonest - time.monotonic()))}
            for key in waiting:
                _settle(selector, key, ready=key.fd in ready)


def _settle(selector: selectors.BaseSelector, key: selectors.SelectorKey, *, ready: bool) -> None:
    """Move one call on, by what came in or because its time is over."""
    call: Call = key.data
    if ready:
        call.advance()
    elif time.monotonic() >= call.deadline:
        call.give_up()
    if call.over:
        selector.unregister(key.fileobj)
    elif key.events != call.awaits:
        selector.modify(key.fileobj, call.awaits, call)
