"""Real web servers on loopback that answer as data says."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def serving(answers: Mapping[str, Mapping[str, Any]], limit: float) -> Iterator[int]:
    """The port of a server that gives ``answers`` (see servers.yml)."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            """Nobody reads it."""

        def do_GET(self) -> None:
            paths = answers[self.command]
            wanted = paths.get(self.path, paths["*"])
            status, location, body = wanted, "", "hello"
            if isinstance(wanted, list):
                status, location = wanted
            elif isinstance(wanted, dict):
                time.sleep(wanted.get("after", 0) * limit)
                status, body = wanted["status"], wanted.get("body", body)
            with suppress(OSError):
                self.answer(status, location, body.encode())

        do_HEAD = do_GET  # noqa: N815 -- the name is http.server's

        def answer(self, status: int, location: str, body: bytes) -> None:
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
