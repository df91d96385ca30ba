"""Ask for a site on every address of its name, one connection after the other."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from sshdoctor.errors import AccessError
from sshdoctor.model import Login, Reply, Site
from sshdoctor.outside.connect import ConnectAttempt
from sshdoctor.outside.dial import Call, call_all
from sshdoctor.outside.resolve import Endpoint, resolve

Visit = Callable[[Site, socket.socket, Callable[[str, int], socket.socket]], Any]


def ask(login: Login, site: Site, visit: Visit, timeout: float) -> tuple[Reply, ...]:
    """One reply for each address of ``login``; ``visit`` (of a service) holds the conversation."""
    family = login.options.get("addressfamily", "any").lower()
    try:
        targets = resolve(login.address, login.port, family=family, timeout=timeout)
    except AccessError as error:
        return (Reply(address=None, family=None, port=login.port, word=error.word, detail=error.detail),)
    calls = [Call(ConnectAttempt(target), None, timeout) for target in targets]
    call_all(calls)
    return tuple(_reply(call, login, site, visit, timeout) for call in calls)


def _reply(call: Call, login: Login, site: Site, visit: Visit, timeout: float) -> Reply:
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
    )
    if refusal or knock.socket is None:
        knock.close()
        return met
    look = visit(site, knock.socket, lambda name, port: _connected(name, port, login, knock.target, timeout))
    last = look.answer.last
    banner = last.header("server") if last else ""
    return replace(met, word=look.word, detail=look.detail, banner=banner or None, answer=look.answer)


def _connected(name: str, port: int, login: Login, first: Endpoint, timeout: float) -> socket.socket:
    """A new connection: to the same address as long as the name is the same."""
    address = first.address if name.lower() == login.address.lower() else name
    family = {"ipv4": "inet", "ipv6": "inet6"}[first.family] if address == first.address else "any"
    try:
        targets = resolve(address, port, family=family, timeout=timeout)
    except AccessError as error:
        raise OSError(error.detail or error.word) from None
    for target in targets:
        call = Call(ConnectAttempt(target), None, timeout)
        call_all([call])
        if call.knock.socket is not None and call.knock.refusal is None:
            return call.knock.socket
    raise OSError(f"{name}:{port} does not answer")
