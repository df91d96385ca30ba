"""A server of mail on loopback that keeps what it takes: where the demonstration's messages arrive."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False


@contextmanager
def mailbox() -> Iterator[tuple[int, list[EmailMessage]]]:
    """Its port, and the mails that it took, the newest last."""
    mails: list[EmailMessage] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 mailbox\r\n")
            while line := self.rfile.readline():
                verb = line[:4].upper()
                if verb == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    mails.append(self.mail())
                self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
                if verb == b"QUIT":
                    return

        def mail(self) -> EmailMessage:
            lines = b""
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                lines += line.removeprefix(b".")
            return message_from_bytes(lines, policy=policy.default)

    with _Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1], mails
        server.shutdown()


def plain_text(mail: EmailMessage) -> str:
    """What a person reads."""
    body = mail.get_body(("plain",))
    return str(body.get_content()).strip() if body else ""
