"""The pages at which passwords of a site are guessed: asked for from here, as anybody may, never posted to.

WordPress has two, ``wp-login.php`` and ``xmlrpc.php``. The second is asked for with an address of nobody's in
the headers of proxies: where the log has that one, whoever guesses writes the address that he likes.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.model import Host

PAGES = ("wp-login.php", "xmlrpc.php")
FORGED = "192.0.2.214"
_HEADERS = ("X-Forwarded-For", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP")
_THERE = (200, 401, 405)
USUAL = (80, 443)
_SECURE = (443, 8443)
_MOST = 3


class Asked(Struct, frozen=True, kw_only=True):
    """A page that answers: ``source`` is this machine's own address on the connection. ``named``: as visitors
    reach it, by the name that the inventory has."""

    page: str
    address: str
    port: int
    source: str
    named: bool = False


def asked(
    host: Host, addresses: Sequence[str], token: str, timeout: float, ports: Sequence[int] = USUAL
) -> tuple[Asked, ...]:
    """The pages that answer at the sites of ``host``, or where it has none named, at ``ports`` of its
    ``addresses``."""
    named = [(site.scheme == "https", site.name, site.port, site.name) for site in host.sites]
    plain = [(port in _SECURE, each, port, each) for each in addresses for port in ports]
    found = (page for each in named or plain for page in _of(each, token, timeout))
    return tuple(replace(page, named=bool(named)) for page in found)


def asked_besides(
    host: Host, addresses: Sequence[str], token: str, timeout: float, listening: Sequence[int]
) -> tuple[Asked, ...]:
    """The same at other ports, at which a web server of the host listens, as it says."""
    others = [port for port in listening if port not in USUAL][:_MOST]
    return () if host.sites or not others else asked(host, addresses, token, timeout, others)


def _of(where: tuple[bool, str, int, str], token: str, timeout: float) -> Iterator[Asked]:
    """Of a server that answers whatever it is asked for nothing is known."""
    with suppress(OSError, HTTPException):
        if _status(where, f"{token}-none.php", f"{token}n", timeout)[0] in _THERE:
            return
        for page, mark in zip(PAGES, (f"{token}p", f"{token}f"), strict=True):
            status, source, address = _status(where, page, mark, timeout)
            if status in _THERE:
                yield Asked(page=page, address=address, port=where[2], source=source)


def _status(where: tuple[bool, str, int, str], page: str, mark: str, timeout: float) -> tuple[int, str, str]:
    secure, address, port, name = where
    if secure:
        anybody = ssl._create_unverified_context()  # noqa: S323  # no secret is sent, and nothing is believed
        connection: HTTPConnection = HTTPSConnection(address, port, timeout=timeout, context=anybody)
    else:
        connection = HTTPConnection(address, port, timeout=timeout)
    try:
        connection.connect()
        source, peer = connection.sock.getsockname()[0], connection.sock.getpeername()[0]
        forged = dict.fromkeys(_HEADERS, FORGED) if mark.endswith("f") else {}
        headers = {"Host": name, "User-Agent": f"sshdoctor-{mark}", "Connection": "close", **forged}
        connection.request("GET", f"/{page}", headers=headers)
        return connection.getresponse().status, source, peer
    finally:
        connection.close()
