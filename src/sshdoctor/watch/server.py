"""A small server of HTTP for pages that anybody may read who reaches it: GET alone, bounded, no files.

Who has stayed longest gives way to who comes when so many are there.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET6, SHUT_RDWR
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from sshdoctor.errors import UsageError
from sshdoctor.model import is_address

_PATIENCE, _LONGEST = 10.0, 4096
MOST = 64
"""Visitors at a time."""


class Page(Struct, frozen=True):
    """What is answered."""

    body: str
    kind: str = "text/plain; charset=utf-8"
    status: int = 200


NOT_FOUND = Page("There is no such page.\n", status=404)
Respond = Callable[[str, Mapping[str, str]], Page]
"""The page at a path, with what was asked for after it."""


def serve(listen: str, respond: Respond) -> None:
    """For ever, at ``ADDRESS:PORT``. Raises UsageError where it cannot listen."""
    with server(listen, respond) as made:
        made.serve_forever()


def server(listen: str, respond: Respond) -> ThreadingHTTPServer:
    """One that listens, and does not serve yet. Raises UsageError."""

    class Handler(BaseHTTPRequestHandler):
        timeout = _PATIENCE
        server_version, sys_version = "sshdoctor", ""

        def log_message(self, *args: object) -> None:
            """Nothing is kept about who reads."""

        def do_GET(self) -> None:
            parts = urlsplit(self.path[:_LONGEST])
            page = respond(parts.path, dict(parse_qsl(parts.query)[:20]))
            data = page.body.encode()
            self.send_response(page.status)
            self.send_header("Content-Type", page.kind)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
            self.end_headers()
            self.wfile.write(data)

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = MOST

        def process_request(self, request: Any, client_address: Any) -> None:
            with places:
                visitors.append(request)
                longest = visitors.popleft() if len(visitors) > MOST else None
            if longest is not None:
                with suppress(OSError):
                    longest.shutdown(SHUT_RDWR)
            super().process_request(request, client_address)

        def shutdown_request(self, request: Any) -> None:
            with places, suppress(ValueError):
                visitors.remove(request)
            super().shutdown_request(request)

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Who was closed, or closed, is no fault."""
            if not isinstance(sys.exc_info()[1], OSError):
                super().handle_error(request, client_address)

    visitors: deque[Any] = deque()
    places = Lock()
    address, port = _place(listen)
    if ":" in address:
        Server.address_family = AF_INET6
    try:
        return Server((address, port), Handler)
    except OSError as error:
        raise UsageError(f"{listen}: cannot listen there: {error.strerror}") from None


def _place(listen: str) -> tuple[str, int]:
    address, _, port = listen.rpartition(":")
    address = address.strip("[]") or "127.0.0.1"
    if not is_address(address) or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"{listen}: ADDRESS:PORT is needed, as 127.0.0.1:9115")
    return address, int(port)
