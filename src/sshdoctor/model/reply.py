"""What came back to a client."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Family = Literal["ipv4", "ipv6"]


class Certificate(Struct, frozen=True, kw_only=True):
    """The certificate that a server showed; times in seconds since 1970."""

    names: tuple[str, ...]
    issuer: str
    begins: float
    ends: float
    fingerprint: str
    """SHA-256 of the whole, in hexadecimal digits."""


class Exchange(Struct, frozen=True, kw_only=True):
    """One request and what came back; ``status`` 0 where nothing did."""

    method: str
    url: str
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    """Its beginning."""

    def header(self, name: str) -> str:
        """The first of that name (in lower case), "" if there is none."""
        return next((value for key, value in self.headers if key == name), "")


class Answer(Struct, frozen=True, kw_only=True):
    """What a site said: every request in order, and the certificate of the first connection."""

    exchanges: tuple[Exchange, ...]
    certificate: Certificate | None = None
    plain: bool = False
    """The port answers plain HTTP, where TLS was spoken to it."""

    @property
    def last(self) -> Exchange | None:
        return self.exchanges[-1] if self.exchanges else None


class Neighbour(Struct, frozen=True, kw_only=True):
    """Another port of the same address, and the reply word that a client got there."""

    port: int
    reply: str


class Hop(Struct, frozen=True, kw_only=True):
    """The ``number``th stop of a packet on its way.

    ``reply``: "expired" (the sender is a router there, which saw the hop limit run out), "connected", or the
    reply word that came back.
    """

    number: int
    sender: str | None
    reply: str


class Reply(Struct, frozen=True, kw_only=True):
    """What a client got when it dialled one address; ``word`` is a reply word of the contract."""

    address: str | None
    family: Family | None
    port: int
    word: str
    sender: str | None = None
    elapsed_ms: float | None = None
    banner: str | None = None
    detail: str | None = None
    source: str | None = None
    """This machine's own address on the connection, which is the client's address unless NAT changed it."""
    source_port: int | None = None
    stage: str = ""
    """The stage of the way that gave it ("jump ops@198.51.100.1"), "" if it is the target's own."""
    neighbours: tuple[Neighbour, ...] | None = None
    """None where nobody looked."""
    path: tuple[Hop, ...] | None = None
    """Up to the last stop that answered; None where nobody looked."""
    answer: Answer | None = None
    """What a site said."""
    asked_from: str = ""
    """The host or worker that dialled, "" if this machine did."""
    lost: bool = False
    """Nothing is known of the service by it: the resolver gave no answer, or there is no way from here."""
