"""Which server and which location of nginx answer a request.

Sources: nginx's manual (request_processing, server_names, location); ngx_http_core_module.c.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct

from sshdoctor.access_rules.nginx.read import Directive
from sshdoctor.access_rules.nginx.values import Values
from sshdoctor.access_rules.unknown import expression
from sshdoctor.access_rules.verdict import Request


class Listen(Struct, frozen=True, kw_only=True):
    """One ``listen``: ``address`` "*" for any of the family."""

    family: Literal["ipv4", "ipv6", "unix"]
    address: str
    port: int
    default: bool
    tls: bool
    directive: Directive | None


class Server(Struct, frozen=True, kw_only=True):
    """One ``server`` block, its listens and names."""

    block: Directive
    listens: tuple[Listen, ...]
    names: tuple[str, ...]


class Chosen(Struct, frozen=True, kw_only=True):
    """``by_name``: the name is one of its own; else it is the default of the address and port."""

    server: Server
    listen: Listen
    by_name: bool


def servers(http: Directive) -> tuple[Server, ...]:
    """All server blocks, in order."""
    return tuple(_server(block) for block in http.all("server"))


def _server(block: Directive) -> Server:
    listens = tuple(one for each in block.all("listen") for one in _listen(each))
    tls = any(one.args[:1] == ("on",) for one in block.all("ssl"))
    if not listens:
        listens = (Listen(family="ipv4", address="*", port=80, default=False, tls=tls, directive=None),)
    names = tuple(name.lower() for each in block.all("server_name") for name in each.args)
    return Server(block=block, listens=listens, names=names or ("",))


def _listen(one: Directive) -> Iterator[Listen]:
    text, options = one.args[0], one.args[1:]
    if text.startswith("unix:"):
        return
    default, tls = "default_server" in options or "default" in options, "ssl" in options or "quic" in options
    address, port = "*", 80
    if text.isdecimal():
        port = int(text)
    elif text.startswith("["):
        address, _, rest = text[1:].partition("]")
        port = int(rest[1:]) if rest[1:].isdecimal() else 80
    else:
        address, _, rest = text.partition(":")
        port = int(rest) if rest.isdecimal() else 80
    family: Literal["ipv4", "ipv6"] = "ipv6" if text.startswith("[") else "ipv4"
    address = "*" if address in ("*", "0.0.0.0", "::") else address  # noqa: S104 -- what nginx listens on
    yield Listen(family=family, address=address, port=port, default=default, tls=tls, directive=one)


def choose_server(every: Sequence[Server], request: Request, values: Values) -> Chosen | None:
    """The server block that answers, None where none listens there. Raises UnknownValue."""
    family = "ipv6" if ":" in (request.address or request.source) else "ipv4"
    there = [
        (server, listen)
        for server in every
        for listen in server.listens
        if listen.family == family and listen.port == request.port
    ]
    exact = [pair for pair in there if pair[1].address == request.address]
    there = exact or [pair for pair in there if pair[1].address == "*"] or ([] if request.address else there)
    if not there:
        return None
    named = _by_name(there, values)
    if named:
        return Chosen(server=named[0], listen=named[1], by_name=True)
    server, listen = next((pair for pair in there if pair[1].default), there[0])
    return Chosen(server=server, listen=listen, by_name=False)


def _by_name(there: Sequence[tuple[Server, Listen]], values: Values) -> tuple[Server, Listen] | None:
    """An exact name, the longest wildcard that begins with a star, that ends with one, an expression."""
    host = values.host
    ranked: tuple[int, tuple[Server, Listen]] | None = None
    for pair in there:
        for name in pair[0].names:
            rank = _rank(name, host)
            if rank and (ranked is None or rank > ranked[0]):
                ranked = rank, pair
    if ranked:
        return ranked[1]
    for pair in there:
        for name in (one for each in pair[0].block.all("server_name") for one in each.args):
            if name.startswith("~"):
                found = expression(name[1:], ignore_case=True).search(host)
                if found:
                    values.captures |= {key: value or "" for key, value in found.groupdict().items()}
                    numbered = enumerate(found.groups(), 1)
                    values.captures |= {str(number): value or "" for number, value in numbered}
                    return pair
    return None


def _rank(name: str, host: str) -> int:
    if name.startswith("~"):
        return 0
    if name == host:
        return 100_000
    if name.startswith("."):
        if host == name[1:]:
            return 100_000
        return 10_000 + len(name) if host.endswith(name) else 0
    if name.startswith("*.") and host.endswith(name[1:]) and len(host) > len(name) - 1:
        return 10_001 + len(name)
    if name.endswith(".*") and host.startswith(name[:-1]) and len(host) > len(name) - 1:
        return 100 + len(name)
    return 0


def choose_location(block: Directive, uri: str, values: Values) -> Directive | None:
    """The location that takes ``uri``, nested ones included. Raises UnknownValue."""
    own = [one for one in block.all("location") if one.args]
    best: Directive | None = None
    length = -1
    for one in own:
        modifier, text = modifier_of(one)
        if modifier == "=" and text == uri:
            return one
        if modifier in ("", "^~") and uri.startswith(text) and len(text) > length:
            best, length = one, len(text)
    nested = choose_location(best, uri, values) if best is not None else None
    if nested is not None and modifier_of(nested)[0] in ("=", "~", "~*"):
        return nested
    decided = nested or best
    if decided is not None and modifier_of(decided)[0] == "^~":
        return decided
    for one in own:
        modifier, text = modifier_of(one)
        if modifier in ("~", "~*"):
            found = expression(text, modifier == "~*").search(uri)
            if found:
                captured(found.groups(), found.groupdict(), values, found[0])
                return choose_location(one, uri, values) or one
    return decided


def captured(
    groups: Sequence[str | None], named: dict[str, str | None], values: Values, whole: str = ""
) -> None:
    """The captures of an expression that matched take the place of the former ones."""
    values.captures = {key: value for key, value in values.captures.items() if not key.isdecimal()}
    values.captures |= {str(number): value or "" for number, value in enumerate(groups, 1)}
    values.captures |= {key: value or "" for key, value in named.items()}
    values.captures["0"] = whole


def modifier_of(location: Directive) -> tuple[str, str]:
    """The modifier and the text of a location.

    >>> modifier_of(Directive(name="location", args=("=/x",), file="", line=1))
    ('=', '/x')
    """
    if len(location.args) > 1:
        return location.args[0], location.args[1]
    text = location.args[0]
    for modifier in ("^~", "~*", "~", "="):
        if text.startswith(modifier):
            return modifier, text[len(modifier) :]
    return ("@", text) if text.startswith("@") else ("", text)
