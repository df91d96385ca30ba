"""Where messages end up: real servers of SMTP and HTTP on loopback, which keep what they are told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sshdoctor.commands.demo.mailbox import mailbox as smtp

__all__ = ["http", "smtp"]


@contextmanager
def http(status: list[int]) -> Iterator[tuple[int, list[str]]]:
    """Its port, and the bodies that it was sent; it answers with the last status of ``status``."""
    bodies: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            """Nobody reads it."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if status[-1] < 400:
                bodies.append(body)
            self.send_response(status[-1])
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1], bodies
        server.shutdown()
