"""What is dialled, and the ways into it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

from sshdoctor.model.words import Secret

_NOT_ELSEWHERE = ("local", "chroot", "capture")


class Login(Struct, frozen=True, kw_only=True):
    """How a client dials one service, and logs in.

    ``jumps`` are ``user@host:port`` strings in the order in which they are passed through;
    ``options`` are the client's own, as given with ``-o``, names in lower case.
    """

    address: str
    port: int
    user: str | None = None
    password: Secret | None = None
    key_files: tuple[str, ...] = ()
    jumps: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    known_hosts: tuple[str, ...] = ()
    """known_hosts files; empty means the user's and the system's own."""
    host_key_alias: str | None = None
    meant: str = ""
    """The address that was asked for, where the client's own configuration dials another one (HostName)."""
    meant_port: int | None = None
    """The same for the port."""
    fault: str = ""
    """What the client says against its own configuration: it dials nothing with it."""
    algorithms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What the client would agree to, by the names of its configuration; those that it told."""
    extras: Mapping[str, str] = field(default_factory=dict)
    """What the person's own configuration has the client do beside a login, and by which it can end."""


class Become(Struct, frozen=True, kw_only=True):
    """Privileges through sudo."""

    user: str = "root"
    password: Secret | None = None


class Site(Struct, frozen=True, kw_only=True):
    """A request for a page, as the one who is refused sends it."""

    scheme: Literal["http", "https"]
    name: str
    """The host's name or address in the URL."""
    port: int
    target: str
    """Path and query, as they stand in the request line."""
    method: str = ""
    """Empty: HEAD, and GET where that is refused."""
    headers: tuple[tuple[str, str], ...] = ()
    user_agent: str = ""
    """Empty: our own, with a random word of this run by which the host's logs know the request."""
    token: str = ""
    body: bytes = b""
    credentials: Secret | None = None
    """``user:password``."""
    redirects: int = 3
    """So many in a chain are too many."""
    limit: float = 20.0
    """Seconds for all of a look."""
    expect: str = ""
    """A text that the page must have."""
    ca_file: str = ""

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"

    @property
    def authority(self) -> str:
        """The name, with the port where it is not the scheme's own."""
        own = {"http": 80, "https": 443}[self.scheme]
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port == own else f"{name}:{self.port}"


class WayIn(Struct, frozen=True, kw_only=True):
    """One way to run a script on a host; ``target`` is a container, a root directory or a file.

    ``connection`` is the inventory's word for it; one with a ``login`` is a service of that name.
    """

    connection: str
    login: Login | None = None
    target: str = ""
    become: Become | None = None


class Host(Struct, frozen=True, kw_only=True):
    """One host of the inventory: the service under diagnosis, and the ways in, in order."""

    name: str
    service: str
    login: Login
    ways: tuple[WayIn, ...]
    managed: str | None = None
    site: Site | None = None
    """What is asked for, where the service is a site."""
    sites: tuple[Site, ...] = ()
    """Those that it serves."""
    vantage: bool = False
    """It may be asked to dial others, as a witness."""
    notify: tuple[Secret, ...] = ()
    """Where to tell of it: URLs of Apprise, which may hold passwords."""
    unlock: tuple[Secret, ...] = ()
    """Mail addresses of those who may have their own address let in again."""
    timezone: str = ""
    """Its owner's, as "Asia/Tokyo"; empty: this machine's."""
    asked_from: Host | None = None
    """The host that dials the site, in the place of this machine."""

    @property
    def ways_elsewhere(self) -> tuple[WayIn, ...]:
        """The ways in that may lead to another machine than this one: so it can dial as a witness."""
        return tuple(way for way in self.ways if way.connection not in _NOT_ELSEWHERE)

    @property
    def way_by_service(self) -> WayIn:
        """The service under diagnosis as a way in."""
        own = (way for way in self.ways if way.login == self.login)
        return next(own, WayIn(connection=self.service, login=self.login))
