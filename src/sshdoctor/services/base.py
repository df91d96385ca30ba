"""What the engine asks of a service: all that it needs to know about something that a client dials."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

NETWORK_LAYERS = ("client", "name", "route", "firewall", "socket")
"""The way of a packet, before any service has a say in it."""

NETWORK_WORDS = (
    "rst",
    "silence",
    "icmp-net-unreachable",
    "icmp-host-unreachable",
    "icmp-proto-unreachable",
    "icmp-port-unreachable",
    "icmp-net-prohibited",
    "icmp-host-prohibited",
    "icmp-admin-prohibited",
    "icmp6-no-route",
    "icmp6-adm-prohibited",
    "icmp6-addr-unreachable",
    "icmp6-port-unreachable",
    "icmp6-policy-fail",
    "icmp6-reject-route",
    "local-unreachable",
    "refused",
    "unreachable",
    "name-not-found",
)
"""The replies with which no connection came about, the ICMP ones in iptables' words."""

GREETING_BYTES = 8192
"""So much of what a service says first is looked at; as much as OpenSSH reads before it gives up."""

CONNECTED, GREETED = 1, 2
"""How far a client came: the host accepted its connection; the service answered as itself. More: further."""


class Greeting(Struct, frozen=True):
    """A reply word, the line with which the service greeted if it did, and what else was said."""

    word: str
    banner: str | None = None
    detail: str | None = None


class Service(Struct, frozen=True, kw_only=True):
    """One service, by its name in inventories and reports."""

    name: str
    server: str
    """What answers there, as a sentence has it: "an SSH server"."""
    port: int
    """Where a client dials it unless it is told otherwise."""
    moved_to: tuple[int, ...]
    """The ports to which people move it."""
    words: Mapping[str, int]
    """Its own reply words, each with how far the client came; a word that is not here is the network's."""
    working: tuple[str, ...]
    """The words with which a client gets in, or as far as it tried; the first is what a clear way gives."""
    layers: tuple[str, ...]
    """What a client passes, in this order: what stops it earlier hides what would stop it later."""
    way: frozenset[str]
    """The layers that decide whether it answers as itself."""
    logs_in: bool
    """Whether a client can log in, so that the service is a way into the host as well."""
    greet: Callable[[bytes, str | None], Greeting | None]
    """What the first bytes on a connection mean; None while more may come.

    The second argument says why no more will come, if so: "time", "closed" or "reset".
    """
