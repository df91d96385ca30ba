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

PORTS = (22, 80, 443, 2222, 22022)
"""SSH's own port and those to which people move it, and the two that most hosts have open."""
MOST_HOPS = 30

_GREETED = (
    "banner",
    "ok",
    "kex-failed",
    "auth-denied",
    "session-closed",
    "host-key-unknown",
    "host-key-changed",
)
_CONNECTED = ("no-banner", "closed-before-banner", "not-ssh")


def look_around(replies: Sequence[Reply], timeout: float) -> tuple[Reply, ...]:
    """The replies, those of addresses where no SSH server greeted with their neighbours, and with the path
    where not even a connection came about. ``timeout`` in seconds, for a connect and for a greeting."""
    views = [_View(reply, timeout) for reply in replies]
    call_all([call for view in views for call in view.calls])
    return tuple(view.result() for view in views)


class _View:
    """The knocks around one reply."""

    def __init__(self, reply: Reply, timeout: float) -> None:
        self.reply = reply
        self.neighbours: dict[int, Call] = {}
        self.hops: list[Call] = []
        if reply.address is None or reply.family is None or reply.word in _GREETED:
            return
        target = resolve(reply.address, reply.port, timeout=timeout)[0]
        ports = [port for port in PORTS if port != reply.port]
        self.neighbours = {port: Call(ConnectAttempt(_at(target, port)), timeout) for port in ports}
        if reply.word not in _CONNECTED:
            limits = range(1, MOST_HOPS + 1)
            self.hops = [Call(ConnectAttempt(target, limit), timeout, only_knocks=True) for limit in limits]

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
