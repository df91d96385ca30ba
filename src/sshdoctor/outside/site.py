"""Ask for a site on every address of its name at once."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from msgspec.structs import replace

from sshdoctor.errors import AccessError
from sshdoctor.model import Login, Reply, Site
from sshdoctor.outside.connect import ConnectAttempt
from sshdoctor.outside.dial import Call, call_all
from sshdoctor.outside.resolve import Endpoint, ResolverError, resolve, unresolved
from sshdoctor.services.base import NoAnswerError

Visit = Callable[[Site, socket.socket, Callable[[str, int], socket.socket], float], Any]


def ask(
    login: Login, site: Site, visit: Visit, timeout: float, deadline: float | None = None
) -> tuple[Reply, ...]:
    """One reply for each address of ``login``; ``visit`` (of a service) holds the conversation.

    All ends at ``deadline`` (by ``time.monotonic``); None: after the site's own limit, once it is connected.
    """
    family = login.options.get("addressfamily", "any").lower()
    try:
        targets = resolve(login.address, login.port, family=family, timeout=timeout)
    except AccessError as error:
        return (unresolved(error, login.port),)
    calls = [Call(ConnectAttempt(target), None, timeout) for target in targets]
    call_all(calls)
    if deadline is None:
        deadline = time.monotonic() + site.limit
    reply = partial(_reply, login=login, site=site, visit=visit, timeout=timeout, deadline=deadline)
    return _each(reply, calls)


def _each(reply: Callable[[Call], Reply], calls: Sequence[Call]) -> tuple[Reply, ...]:
    """At once, so that one address that drips takes no time from another."""
    if sum(call.knock.connected for call in calls) < 2:
        return tuple(map(reply, calls))
    with ThreadPoolExecutor(len(calls)) as pool:
        return tuple(pool.map(reply, calls))


def _reply(call: Call, login: Login, site: Site, visit: Visit, timeout: float, deadline: float) -> Reply:
    knock, refusal = call.knock, call.knock.refusal
    met = Reply(
        address=knock.target.address,
        family=knock.target.family,
        port=login.port,
        word=refusal.word if refusal else "intermittent",
        sender=refusal.sender if refusal else None,
        elapsed_ms=knock.elapsed_ms,
        detail=refusal.detail if refusal else None,
        source=knock.source,
        source_port=knock.source_port,
        lost=knock.no_way,
    )
    if refusal or knock.socket is None:
        knock.close()
        return met

    def connect(name: str, port: int) -> socket.socket:
        left = max(0.1, min(timeout, deadline - time.monotonic()))
        return _connected(name, port, login, knock.target, left)

    look = visit(site, knock.socket, connect, deadline)
    last = look.answer.last
    banner = last.header("server") if last else ""
    return replace(met, word=look.word, detail=look.detail, banner=banner or None, answer=look.answer)


def _connected(name: str, port: int, login: Login, first: Endpoint, timeout: float) -> socket.socket:
    """A new connection: to the same address as long as the name is the same."""
    address = first.address if name.lower() == login.address.lower() else name
    family = {"ipv4": "inet", "ipv6": "inet6"}[first.family] if address == first.address else "any"
    try:
        targets = resolve(address, port, family=family, timeout=timeout)
    except ResolverError as error:
        raise NoAnswerError(error.detail) from None
    except AccessError as error:
        raise OSError(error.detail or error.word) from None
    met: list[str] = []
    for target in targets:
        call = Call(ConnectAttempt(target), None, timeout)
        call_all([call])
        if call.knock.socket is not None and call.knock.refusal is None:
            return call.knock.socket
        met.append(call.knock.refusal.word if call.knock.refusal else "silence")
    raise OSError(f"{name}:{port} does not answer ({', '.join(dict.fromkeys(met))})")
