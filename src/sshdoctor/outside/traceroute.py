"""A closer look from outside: other ports of the same address, and the routers on the way to it.

Both are told by connects alone, without root. A SYN whose hop limit runs out is answered by the router where
it does (ICMP time exceeded); the error queue has that router's address. All are sent at once, to at most so
many hops and ports, and each is waited for no longer than a knock. No connection is made to the port that was
dialled: the way is looked at only where connecting to it failed.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from sshdoctor.model import Hop, Neighbour, Reply
from sshdoctor.outside.connect import ConnectAttempt
from sshdoctor.outside.dial import Call, call_all
from sshdoctor.outside.resolve import Endpoint, resolve
from sshdoctor.services import progress
from sshdoctor.services.base import CONNECTED, GREETED, Service

MOSTLY_OPEN = (80, 443)
MOST_HOPS = 30


def look_around(replies: Sequence[Reply], service: Service, timeout: float) -> tuple[Reply, ...]:
    """The replies, with their neighbours where ``service`` did not greet, and with the path where not even a
    connection came about. ``timeout`` in seconds, for a connect and for a greeting."""
    views = [_View(reply, service, timeout) for reply in replies]
    call_all([call for view in views for call in view.calls])
    return tuple(view.result() for view in views)


class _View:
    """The knocks around one reply."""

    def __init__(self, reply: Reply, service: Service, timeout: float) -> None:
        self.reply = reply
        self.neighbours: dict[int, Call] = {}
        self.hops: list[Call] = []
        if reply.address is None or reply.family is None or progress(reply.word) >= GREETED:
            return
        target = resolve(reply.address, reply.port, timeout=timeout)[0]
        ports = [port for port in (service.port, *MOSTLY_OPEN, *service.moved_to) if port != reply.port]
        self.neighbours = {port: Call(ConnectAttempt(_at(target, port)), service, timeout) for port in ports}
        if progress(reply.word) < CONNECTED:
            limits = range(1, MOST_HOPS + 1)
            self.hops = [Call(ConnectAttempt(target, limit), None, timeout) for limit in limits]

    @property
    def calls(self) -> list[Call]:
        return [*self.neighbours.values(), *self.hops]

    def result(self) -> Reply:
        met = {port: call.result(port) for port, call in self.neighbours.items()}
        for one in met.values():
            if one.socket is not None:
                one.socket.close()
        neighbours = tuple(Neighbour(port=port, reply=one.reply.word) for port, one in met.items())
        for call in self.hops:
            call.knock.close()
        return replace(
            self.reply,
            neighbours=neighbours if self.neighbours else None,
            path=_path(self.hops) if self.hops else None,
        )


def _at(target: Endpoint, port: int) -> Endpoint:
    host, _, *rest = target.sockaddr
    return replace(target, sockaddr=(host, port, *rest))


def _path(calls: Sequence[Call]) -> tuple[Hop, ...]:
    """The hops up to the first answer that is no router's "expired", or to the last router that spoke."""
    hops: list[Hop] = []
    for number, call in enumerate(calls, 1):
        refusal = call.knock.refusal
        if refusal is None:
            hops.append(Hop(number=number, sender=call.knock.target.address, reply="connected"))
        else:
            word = "expired" if refusal.expired else refusal.word
            hops.append(Hop(number=number, sender=refusal.sender, reply=word))
        if hops[-1].reply not in ("expired", "silence"):
            return tuple(hops)
    while hops and hops[-1].reply == "silence":
        hops.pop()
    return tuple(hops)
