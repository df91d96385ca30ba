"""Every address of a name, in the order in which a client tries them."""

from __future__ import annotations

import socket
import threading
from typing import Any

from msgspec import Struct

from sshdoctor.errors import AccessError
from sshdoctor.model import Family, Reply

FAMILIES: dict[int, Family] = {socket.AF_INET: "ipv4", socket.AF_INET6: "ipv6"}
_WANTED = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}
_MAPPED = b"\0" * 10 + b"\xff\xff"


class ResolverError(AccessError):
    """The resolver gave no answer: nothing is known of the name by that. "No such name" is an answer."""

    def __init__(self, detail: str) -> None:
        super().__init__("name-not-found", detail)


_NO_ANSWER = (socket.EAI_AGAIN, socket.EAI_FAIL, socket.EAI_MEMORY, socket.EAI_SYSTEM)


class Endpoint(Struct, frozen=True):
    """One address to knock on. ``sockaddr`` is what ``connect`` takes, with the scope of ``fe80::1%eth0``."""

    address: str
    family: Family
    sockaddr: tuple[Any, ...]


def unresolved(error: AccessError, port: int) -> Reply:
    """What a client gets whose name did not resolve."""
    return Reply(
        address=None,
        family=None,
        port=port,
        word=error.word,
        detail=error.detail,
        lost=isinstance(error, ResolverError),
    )


def resolve(name: str, port: int, *, family: str = "any", timeout: float) -> tuple[Endpoint, ...]:
    """All addresses of ``name`` in getaddrinfo's order (RFC 6724), each once.

    ``family`` is the client's AddressFamily: any, inet, inet6. Raises AccessError ``name-not-found``
    with the resolver's own words, and a ResolverError where it gave no answer ("try again").

    >>> resolve("::ffff:192.0.2.7", 22, timeout=1)[0].family  # IPv4 packets, whatever the notation
    'ipv4'
    """
    wanted = _WANTED.get(family, socket.AF_UNSPEC)
    try:
        answers = _literal(name, port, wanted) or _look_up(name, port, wanted, timeout)
    except socket.gaierror as error:
        if error.errno in _NO_ANSWER:
            raise ResolverError(_reason(name, error)) from None
        raise AccessError("name-not-found", _reason(name, error)) from None
    except UnicodeError:
        raise AccessError("name-not-found", f"{name!r} is no host name") from None
    return tuple(dict.fromkeys(_target(found, sockaddr) for found, sockaddr in answers))


def _literal(name: str, port: int, wanted: int) -> list[tuple[int, tuple[Any, ...]]]:
    """The one answer for an address written out: no resolver is asked, so no thread is needed."""
    if not name:
        raise AccessError("name-not-found", "the name is empty")
    try:
        return _getaddrinfo(name, port, wanted, socket.AI_NUMERICHOST)
    except socket.gaierror:
        return []


def _look_up(name: str, port: int, wanted: int, timeout: float) -> list[tuple[int, tuple[Any, ...]]]:
    """Ask the resolver, no longer than ``timeout``: getaddrinfo itself has no limit."""
    answers: list[list[tuple[int, tuple[Any, ...]]]] = []
    errors: list[Exception] = []

    def ask() -> None:
        try:
            answers.append(_getaddrinfo(name, port, wanted, 0))
        except (OSError, UnicodeError) as error:
            errors.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(timeout)
    if errors:
        raise errors[0]
    if not answers:
        raise ResolverError(f"the resolver did not answer for {name} within {timeout:g} s")
    return answers[0]


def _getaddrinfo(name: str, port: int, wanted: int, flags: int) -> list[tuple[int, tuple[Any, ...]]]:
    found = socket.getaddrinfo(name, port, wanted, socket.SOCK_STREAM, socket.IPPROTO_TCP, flags)
    return [(family, sockaddr) for family, _, _, _, sockaddr in found if family in FAMILIES]


def _target(family: int, sockaddr: tuple[Any, ...]) -> Endpoint:
    address: str = sockaddr[0]
    if family == socket.AF_INET6:
        packed = socket.inet_pton(family, address.partition("%")[0])
        if packed.startswith(_MAPPED):
            plain = socket.inet_ntop(socket.AF_INET, packed[12:])
            return Endpoint(plain, "ipv4", (plain, sockaddr[1]))
        if sockaddr[3] and "%" not in address:
            address = f"{address}%{_interface(sockaddr[3])}"
    return Endpoint(address, FAMILIES[family], sockaddr)


def _interface(index: int) -> str:
    try:
        return socket.if_indextoname(index)
    except OSError:
        return str(index)


def _reason(name: str, error: socket.gaierror) -> str:
    kinds = {
        socket.EAI_NONAME: "there is no such name",
        getattr(socket, "EAI_NODATA", None): "the name has no address of this family",
        getattr(socket, "EAI_ADDRFAMILY", None): "the address is of the other family",
        socket.EAI_AGAIN: "the resolver could not be reached or failed, for now",
    }
    return f"{name}: {kinds.get(error.errno, 'the resolver failed')} ({error.strerror})"
