"""What is watched, and who is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from urllib.parse import urlsplit

from msgspec import Struct

from sshdoctor.model import Host, Secret, endpoint
from sshdoctor.services import load


class Target(Struct, frozen=True, kw_only=True):
    """One service of a host, under the name that people read; ``people`` are those of the address book."""

    name: str
    host: Host
    people: tuple[str, ...] = ()

    @property
    def service(self) -> str:
        return self.host.service

    @property
    def working(self) -> tuple[str, ...]:
        """The words with which a look saw it good."""
        return load(self.service).working


def target_of(host: Host) -> Target:
    """The service of ``host`` that is dialled."""
    own = host.site.url if host.site else host.name
    return Target(name=own, host=host, people=tuple(person(url) for url in host.notify))


def person(url: Secret) -> str:
    """How one is called to whom messages go: it tells no secret, and is the same at every start.

    >>> person(Secret("mailto://ann:secret@example.org"))
    'mailto:example.org:6187ce'
    """
    text = url.reveal()
    parts = urlsplit(text)
    try:
        host = parts.hostname or ""
    except ValueError:
        host = ""
    return ":".join(filter(None, (parts.scheme or "?", host, sha256(text.encode()).hexdigest()[:6])))


def address_book(hosts: Mapping[str, Host]) -> dict[str, Secret]:
    """The URLs of all who are told anything, by what they are called."""
    return {person(url): url for host in hosts.values() for url in host.notify}


def dialled(host: Host) -> str:
    """What is dialled, for a person."""
    return host.site.url if host.site else endpoint(host.login.address, host.login.port)
