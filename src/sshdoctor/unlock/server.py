"""The page, served: by uvicorn, on a socket of our own, beside what is done behind it."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import uvicorn

from sshdoctor.errors import UsageError

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from sshdoctor.unlock.worker import Worker

_MOST = 200
"""Requests at a time; more are answered 503."""


class _Server(uvicorn.Server):
    """Signals are ours: a unit that is stopped is no fault."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def made(app: Starlette) -> uvicorn.Server:
    """It believes no header about who its client is, and writes no log of who came."""
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_MOST,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=16384,
    )
    return _Server(config)


async def serve(app: Starlette, worker: Worker, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Until SIGTERM or SIGINT; ``ready`` is called when these are heeded."""
    server = made(app)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, setattr, server, "should_exit", True)
    ready()
    working = asyncio.create_task(worker.run())
    try:
        await server.serve(sockets=[listening])
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working


def listening_at(text: str) -> socket.socket:
    """A socket at ``ADDRESS:PORT``. Raises UsageError."""
    address, _, port = text.rpartition(":")
    try:
        family = socket.AF_INET6 if ip_address(address.strip("[]")).version == 6 else socket.AF_INET
        number = int(port) if port.isdecimal() else -1
        if not 0 <= number <= 65535:
            raise ValueError
    except ValueError:
        raise UsageError(f"--listen {text}: ADDRESS:PORT is needed, as 127.0.0.1:8022") from None
    try:
        return socket.create_server((address.strip("[]"), number), family=family, backlog=256)
    except OSError as error:
        raise UsageError(f"--listen {text}: {error.strerror}") from None


def base_url(text: str) -> str:
    """The page's own address as people type it, without a slash at its end. Raises UsageError."""
    wrong = UsageError(f"--url {text}: the page's own address is needed, as https://unlock.example.org")
    try:
        parts = urlsplit(text)
        name, _ = parts.hostname or "", parts.port
    except ValueError:
        raise wrong from None
    here = name in ("localhost", "127.0.0.1", "::1")
    if parts.scheme != "https" and not (parts.scheme == "http" and here):
        raise wrong
    odd = parts.query or parts.fragment or parts.username is not None or not text.isprintable() or " " in text
    if not name or odd or set(text) & set("{}<>\"'\\"):
        raise wrong
    return text.rstrip("/")
