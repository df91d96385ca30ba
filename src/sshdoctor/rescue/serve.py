"""For consoles without paste: the script at a short address, once; its capture taken back, once.

Only the two addresses are served, each with a token of its own. Nothing of a request is ever sent back. Who
does not know a token has a few seconds, and gives way to who comes next; a capture is kept on disk while it
comes, and looked at one at a time.
"""

from __future__ import annotations

import secrets
import socket
import socketserver
import ssl
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler
from tempfile import TemporaryFile
from typing import IO, Any

from sshdoctor.access.capture.capture import Capture, read_capture
from sshdoctor.errors import CaptureError, RescueError, UsageError
from sshdoctor.model import Reply, endpoint
from sshdoctor.rescue.listen import short_token, tls, typed, where
from sshdoctor.rescue.visits import Visits

SECONDS = 600
"""How long the script is offered."""

PORT = 8022
"""The port that is offered unless another is named; a free one if it is taken."""

_LARGEST_BODY = 8 * 2**20
"""Bytes; an ordinary capture has 0.2 MiB."""
_CHUNK = 65536


class Post:
    """A listening socket with two addresses: one gives the script, the other takes the capture.

    ``lines`` are what a person types, one of them; ``return_url`` is where the script sends its capture.
    ``listen`` is ADDRESS:PORT as typed, or empty for this machine's address towards ``replies``. Raises
    UsageError if it cannot be listened there, or the certificate cannot be used.
    """

    def __init__(self, listen: str, replies: Sequence[Reply], certificate: str = "", key: str = "") -> None:
        context = tls(certificate, key) if certificate or key else None
        shown, address, port = where(listen, replies)
        self._script = b""
        self._fetch_token = short_token()
        self._return_token = secrets.token_urlsafe(24)
        self._lock, self._reading = threading.Lock(), threading.Lock()
        self._fetched = False
        self._capture: Capture | None = None
        self.data = b""
        """The capture as it came."""
        self._arrived = threading.Event()
        self._server = _bind(address, port, listen, self, context)
        base = f"http{'s' if context else ''}://{endpoint(shown, self._server.server_address[1])}"
        self.return_url = f"{base}/{self._return_token}"
        self.lines = typed(f"{base}/{self._fetch_token}")

    def __enter__(self) -> Post:
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.server_close()

    def offer(self, script: str) -> None:
        self._script = script.encode("utf-8", "surrogateescape")

    def wait(self, seconds: float = SECONDS) -> Capture:
        """The capture, when it has come. Raises RescueError after ``seconds``."""
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        try:
            self._arrived.wait(seconds)
        finally:
            self._server.shutdown()
            self._server.server_close()
        if self._capture is None:
            what = "fetched, but no capture came back" if self._fetched else "not fetched"
            raise RescueError(f"the rescue script was {what} within {seconds / 60:g} minutes")
        return self._capture

    def give(self, path: str) -> bytes | None:
        """The script, to the first who asks for it at its address."""
        with self._lock:
            if self._fetched or not _same(path, f"/{self._fetch_token}"):
                return None
            self._fetched = True
            return self._script

    def take_back(self) -> None:
        """The script did not get through: it may be asked for again."""
        with self._lock:
            self._fetched = False

    def awaits(self, path: str) -> bool:
        return self._capture is None and _same(path, f"/{self._return_token}")

    def accept(self, body: IO[bytes]) -> bool:
        """Whether ``body`` holds the capture; the first one is kept."""
        with self._reading:
            try:
                data = body.read()
                capture = read_capture(data, "the capture")
            except CaptureError:
                return False
        with self._lock:
            if capture.lost or self._capture is not None:
                return False
            self._capture, self.data = capture, data
        return True

    def leave(self) -> None:
        """The capture's sender has had the answer."""
        self._arrived.set()


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        post = self.server.post
        script = post.give(self.path)
        if script is None:
            self._say(404, b"")
            return
        self.server.visits.welcome(self.connection)
        try:
            self._say(200, script)
        except OSError:
            post.take_back()
            raise

    def do_POST(self) -> None:
        post = self.server.post
        if not post.awaits(self.path):
            self._say(404, b"")
            return
        self.server.visits.welcome(self.connection)
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal() and len(length) < 12):
            self._say(411, b"The length of the capture is missing.\n")
        elif int(length) > _LARGEST_BODY:
            self._say(413, b"That is too much for a capture.\n")
        else:
            self._receive(int(length))

    def _receive(self, length: int) -> None:
        post = self.server.post
        with TemporaryFile() as body:
            while length > 0 and (chunk := self.rfile.read(min(length, _CHUNK))):
                body.write(chunk)
                length -= len(chunk)
            body.seek(0)
            if post.accept(body):
                self._say(200, b"The capture has arrived. Go back to where sshdoctor runs.\n")
                post.leave()
            else:
                self._say(400, b"That is no whole capture.\n")

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        self._say(code, b"")  # http.server would send back what was asked for

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as the base class has it
        """Progress goes to a person, not every request."""

    def _say(self, code: int, body: bytes) -> None:
        self.close_connection = True
        self.send_response(code)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def version_string(self) -> str:
        return "sshdoctor"


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, family: int, sockaddr: Any, post: Post, context: ssl.SSLContext | None) -> None:
        self.address_family = family
        self.post = post
        self.visits = Visits()
        self._context = context
        super().__init__(sockaddr, _Handler)

    def service_actions(self) -> None:
        self.visits.end_late_ones()

    def process_request(self, request: Any, client_address: Any) -> None:
        if (
            self._context is not None
        ):  # the handshake is done in the thread, so that nobody slow holds up others
            request = self._context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
        if self.visits.begin(request, client_address[0]):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.visits.end(request)

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self._context is not None:
            request.do_handshake()
        super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever hangs up, or speaks no TLS, is no concern of the person who waits."""


def _same(path: str, expected: str) -> bool:
    """In the same time, whatever ``path`` is."""
    return secrets.compare_digest(path.encode("utf-8", "surrogateescape"), expected.encode())


def _bind(address: str, port: int | None, listen: str, post: Post, context: ssl.SSLContext | None) -> _Server:
    try:
        found = socket.getaddrinfo(
            address or None, port or PORT, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, _, _, _, sockaddr = found[0]
        try:
            return _Server(family, sockaddr, post, context)
        except OSError:
            if port:
                raise
            return _Server(family, (sockaddr[0], 0, *sockaddr[2:]), post, context)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"--listen {listen or address}: {reason}") from None
