"""Sites: ``sshdoctor_sites`` of a host, and a URL in the place of a host."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.documents.reader import suggest
from sshdoctor.errors import InventoryError, UsageError
from sshdoctor.inventory.values import Values
from sshdoctor.model import Host, Login, Secret, Site, WayIn

_KEYS = ("url", "method", "redirects", "timeout", "expect")


class Request(Struct, frozen=True, kw_only=True):
    """How a URL is asked for, as given on the command line."""

    method: str = ""
    headers: tuple[str, ...] = ()
    user_agent: str = ""
    data: str = ""
    ca: str = ""
    on: str = ""
    asked_from: str = ""
    """The name of the host that dials, "" for this machine."""
    family: str = ""
    """"inet" or "inet6", "" for both."""


def is_url(text: str) -> bool:
    """Whether a site is meant, not a host."""
    return text.lower().startswith(("http://", "https://"))


def parse_url(text: str) -> Site:
    """The site that a URL names. Raises ValueError.

    >>> parse_url("https://example.jp/xmlrpc.php?for=jetpack").target
    '/xmlrpc.php?for=jetpack'
    """
    parts = urlsplit(text)
    scheme = parts.scheme.lower()
    if scheme not in ("http", "https") or not parts.hostname or any(ord(c) < 33 for c in text):
        raise ValueError(f"{parts.scheme}://{parts.hostname or ''} is no URL of a site")
    user = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else ""
    return Site(
        scheme="https" if scheme == "https" else "http",
        name=parts.hostname,
        port=parts.port or (443 if scheme == "https" else 80),
        target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        credentials=Secret(user) if user else None,
    )


def listed_sites(values: Values) -> tuple[Site, ...]:
    """The host's ``sshdoctor_sites``. Raises InventoryError."""
    found = values.find("sshdoctor_sites")
    if not found:
        return ()
    variable = found[1]
    if not isinstance(variable.value, list):
        raise InventoryError(f"{variable.place}: sshdoctor_sites must be a list of URLs")
    return tuple(_listed(values, body, variable.place) for body in variable.value)


def _listed(values: Values, body: Any, place: str) -> Site:
    given: Mapping[str, Any] = body if isinstance(body, Mapping) else {"url": body}
    for key in given:
        if key not in _KEYS:
            what = f"unknown key {key!r}; known: {', '.join(_KEYS)}{suggest(str(key), _KEYS)}"
            raise InventoryError(f"{place}: sshdoctor_sites: {what}")
    try:
        site = parse_url(values.text_of(given.get("url", ""), "sshdoctor_sites", place))
        return replace(
            site,
            method=str(given.get("method", "")),
            redirects=int(given.get("redirects", site.redirects)),
            limit=float(given.get("timeout", site.limit)),
            expect=str(given.get("expect", "")),
        )
    except (ValueError, TypeError) as error:
        raise InventoryError(f"{place}: sshdoctor_sites: {error}") from None


def asked_site(url: str, request: Request) -> Site:
    """The site of ``url``, asked for as ``request`` says. Raises UsageError."""
    try:
        site = parse_url(url)
    except ValueError as error:
        raise UsageError(f"--host {url.rpartition('@')[2]}: {error}") from None
    return _as_asked(site, request)


def _as_asked(site: Site, request: Request) -> Site:
    """``site``, asked for as ``request`` says. Raises UsageError."""
    try:
        body = Path(request.data).read_bytes() if request.data else b""
    except OSError as error:
        raise UsageError(f"--data {request.data}: {error.strerror}") from None
    headers = []
    for line in request.headers:
        name, colon, value = line.partition(":")
        if not colon or not name.strip() or any(ord(char) < 32 for char in line):
            raise UsageError(f"--header {line!r}: NAME: VALUE")
        headers.append((name.strip(), value.strip()))
    method = request.method.upper() or ("POST" if body else site.method)
    return replace(
        site,
        method=method,
        headers=tuple(headers),
        user_agent=request.user_agent,
        body=body,
        ca_file=request.ca,
    )


def with_token(site: Site, version: str) -> Site:
    """With a random word by which the host's logs know this request."""
    return replace(site, token=f"sshdoctor/{version} ({secrets.token_hex(8)})")


def of_site(host: Host, site: Site, request: Request) -> Host:
    """``host``, with ``site`` as what is dialled: the other ways in stay."""
    options = {"addressfamily": request.family} if request.family else {}
    login = Login(address=site.name, port=site.port, options=options)
    return replace(host, service="web", login=login, site=site)


def with_site(host: Host, version: str, request: Request) -> tuple[Host, ...]:
    """``host`` once for each of its sites, with that as what is dialled. Raises UsageError."""
    return tuple(of_site(host, with_token(_as_asked(site, request), version), request) for site in host.sites)


def serving(hosts: Sequence[Host], site: Site) -> Host | None:
    """The host of an inventory that has ``site`` among its own, by scheme, name and port."""
    wanted = (site.scheme, site.name, site.port)
    for host in hosts:
        for own in host.sites:
            if (own.scheme, own.name, own.port) == wanted:
                return host
    same_name = (host for host in hosts for own in host.sites if own.name == site.name)
    return next(same_name, None)


def ad_hoc(site: Site) -> Host:
    """A host that stands in no inventory: SSH to the same name may show its inside."""
    login = Login(address=site.name, port=22)
    return Host(name=site.name, service="web", login=login, ways=(WayIn(connection="ssh", login=login),))
