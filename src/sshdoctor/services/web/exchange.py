"""One HTTP/1.1 request on a channel, and its answer: bounded, and nothing in it is acted upon."""

from __future__ import annotations

import base64
from contextlib import suppress

import h11

from sshdoctor.model import Exchange, Site
from sshdoctor.services.web.channel import Channel

_MOST_HEAD = 128 * 1024
_MOST_BODY = 64 * 1024
"""So much of a page is read."""


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
    try:
        return _answer(channel, connection, Exchange(method=method, url=url))
    except h11.RemoteProtocolError as error:
        raise NotHttpError(str(error)) from None


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


def _answer(channel: Channel, connection: h11.Connection, made: Exchange) -> Exchange:
    status, headers, body = 0, tuple[tuple[str, str], ...](), b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            try:
                received = channel.receive()
            except ConnectionResetError:
                received = b""
            except TimeoutError:
                if status:
                    break
                raise
            if not received and not status:
                raise ClosedError("closed without an answer")
            connection.receive_data(received)
        elif isinstance(event, h11.Response):
            status, headers = event.status_code, _texts(event)
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
            if len(body) > _MOST_BODY:
                break
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed) or event is h11.PAUSED:
            break
    return Exchange(
        method=made.method,
        url=made.url,
        status=status,
        headers=headers,
        body=body[:_MOST_BODY].decode("utf-8", "replace"),
    )


def _texts(response: h11.Response) -> tuple[tuple[str, str], ...]:
    pairs = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers)
    return tuple(pairs)
