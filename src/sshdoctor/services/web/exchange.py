"""One HTTP/1.1 request on a channel, and its answer: bounded, and nothing in it is acted upon."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from contextlib import suppress

import h11

from sshdoctor.model import Exchange, Site
from sshdoctor.services.web.channel import Channel
from sshdoctor.services.web.page import page_text

_MOST_HEAD = 128 * 1024
_MOST_BODY = 64 * 1024
"""So much of a page is read."""
_MOST_SEARCHED = 4 * 1024 * 1024
"""So much where a text is looked for."""
_HEAD = re.compile(rb"HTTP/1\.[01] ([2-9]\d\d)\b[^\n]*\n(.*?)\r?\n\r?\n", re.DOTALL)


class NotHttpError(Exception):
    """What came is no HTTP/1.1 answer; the message says why."""


class ClosedError(Exception):
    """The connection ended before an answer."""


def exchange(channel: Channel, site: Site, method: str, url: str, target: str) -> Exchange:
    """Send one request and read its answer. Raises NotHttpError, ClosedError, OSError, TimeoutError."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_HEAD)
    body = site.body if method not in ("GET", "HEAD") else b""
    request = h11.Request(method=method, target=target, headers=_headers(site, url, body))
    data = connection.send(request) or b""
    data += connection.send(h11.Data(data=body)) or b"" if body else b""
    data += connection.send(h11.EndOfMessage()) or b""
    with suppress(BrokenPipeError, ConnectionResetError):  # what it said before it closed is there to be read
        channel.send(data)
    answer = _Answer(channel, connection, site.expect)
    answer.read()
    return Exchange(
        method=method, url=url, status=answer.status, headers=answer.headers, body=answer.text[: answer.most]
    )


def _headers(site: Site, url: str, body: bytes) -> list[tuple[str, str]]:
    given = {name.lower() for name, _ in site.headers}
    authority = url.split("/")[2].rpartition("@")[2]
    own = [
        ("Host", authority),
        ("User-Agent", site.user_agent or site.token),
        ("Accept", "*/*"),
        ("Connection", "close"),
    ]
    if body:
        own += [("Content-Length", str(len(body))), ("Content-Type", "application/x-www-form-urlencoded")]
    if site.credentials:
        secret = base64.b64encode(site.credentials.reveal().encode()).decode()
        own.append(("Authorization", f"Basic {secret}"))
    return [*(pair for pair in own if pair[0].lower() not in given), *site.headers]


class _Answer:
    """One answer while it comes; with a text that is expected more of the page is read."""

    def __init__(self, channel: Channel, connection: h11.Connection, expect: str) -> None:
        self.status = 0
        self.headers: tuple[tuple[str, str], ...] = ()
        self.most = _MOST_SEARCHED if expect else _MOST_BODY
        self._channel, self._connection, self._expect = channel, connection, expect
        self._head, self._body = b"", b""

    @property
    def text(self) -> str:
        said = dict(reversed(self.headers))
        return page_text(
            self._body, said.get("content-type", ""), said.get("content-encoding", ""), self.most
        )

    def read(self) -> None:
        """Raises NotHttpError, ClosedError, OSError, TimeoutError."""
        try:
            while self._event(self._connection.next_event()):
                pass
        except h11.RemoteProtocolError as error:
            if self.status and self._expect:
                return  # a page that was cut short is searched as far as it came
            if self.status or not self._leniently():
                raise NotHttpError(str(error)) from None
        except TimeoutError:
            if not self.status or (self._expect and self._expect not in self.text):
                raise

    def _event(self, event: object) -> bool:
        """Whether there is more to come."""
        if event is h11.NEED_DATA:
            self._more()
        elif isinstance(event, h11.Response):
            self.status, self.headers = event.status_code, _texts(event.headers)
        elif isinstance(event, h11.Data):
            self._body += bytes(event.data)
            return len(self._body) <= self.most
        return not (isinstance(event, h11.EndOfMessage | h11.ConnectionClosed) or event is h11.PAUSED)

    def _more(self) -> None:
        try:
            received = self._channel.receive()
        except ConnectionResetError:
            received = b""
        if not self.status:
            self._head += received
            if not received and self._head and not self._head.startswith(b"HTTP/"):
                raise NotHttpError("closed after what is no HTTP")
            if not received:
                raise ClosedError("closed without an answer")
        self._connection.receive_data(received)

    def _leniently(self) -> bool:
        """Whether a head that breaks the rules has a status all the same, as any browser would take it."""
        head = _HEAD.match(self._head)
        if head is None:
            return False
        pairs = (line.partition(b":") for line in head[2].splitlines())
        self.status = int(head[1])
        self.headers = _texts((name.strip().lower(), value.strip()) for name, _, value in pairs)
        self._body = self._head[head.end() :]
        return True


def _texts(pairs: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs)
