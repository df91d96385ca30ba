"""What the engine asks of a service: all that it needs to know about something that a client dials.

Beside its ``Service`` there are three shell texts in the folder of a service, which run on the host.

``process.sh`` has ``server_process``: the number, the program and the options of the process that listens;
false if none does. It finds it by ``find_servers`` (services/servers.sh).

``guard.sh`` is what the guard of a remedy asks (see remedy/guard):

- ``server`` names its program, ``server_names`` its units and init scripts, ``server_units`` the units with
  their kinds, ``server_files`` the files and folders that decide who gets in, ``server_folder`` one in /run
  that it does not start without.
- ``server_installed``: it is there. ``server_accepts``: it takes its configuration as it is.
- ``server_owns``: ``$path`` is one of its files. ``server_touched``: what is due when ``$path`` was put back,
  in ``units_due``, ``socket_due`` and ``server_due`` (reload or restart).

``daemon.sh`` starts and stops it where nothing manages services, in the words of remedy/modules/parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from socket import socket
from typing import Any, NamedTuple

from msgspec import Struct

from sshdoctor.model import Login, Site, Unknown

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
"""So much of what a service says first is looked at; as much as clients read before they give up."""

CONNECTED, GREETED = 1, 2
"""How far a client came: the host accepted its connection; the service answered as itself. More: further."""

LOGIN_TRIED, LOGGED_IN = 4, 5
"""Of a service that a client logs in to: the host judged who it is; it let the client in, for a moment."""


class NoAnswerError(OSError):
    """No connection, as the resolver gave no answer: that says nothing of whom it was to lead to."""


class Greeting(Struct, frozen=True):
    """A reply word, the line with which the service greeted if it did, and what else was said."""

    word: str
    banner: str | None = None
    detail: str | None = None


class Step(NamedTuple):
    """One packet of a conversation, in the eyes of a firewall; one without ``payload`` only acknowledges.

    ``lost``, ``reset`` and ``refused`` are what the client sees if it is dropped, answered with a RST, or by
    an ICMP error; "" means the error's own word, None that it does not matter. ``perhaps``: it may go along
    with the next one instead.
    """

    name: str
    by_client: bool
    payload: bytes | None
    lost: str | None
    reset: str
    refused: str | None
    perhaps: bool = False


class Growing(NamedTuple):
    """How it is tried what sizes of packets come through on a connection that was greeted.

    The client sends ``line``, then ``begin`` and as many bytes as it likes: the beginning of a message that
    is never finished, of which the server waits for the rest. ``whole``: that is all of the server's first
    answer.
    """

    line: bytes
    begin: bytes
    whole: Callable[[bytes], bool]


def unmarked(login: Login) -> int:
    """Its client asks routers for nothing special."""
    return 0


class Service(Struct, frozen=True, kw_only=True):
    """One service, by its name in inventories and reports.

    What is asked seldom stands in modules of its folder, which are imported when it is asked.
    """

    name: str
    server: str
    """What answers there, as a sentence has it."""
    client: str
    """The program that people dial it with."""
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
    conversation: tuple[Step, ...]
    """What the two ends send, from the packet with which the client completes the connection."""
    logs_in: bool
    """Whether a client can log in, so that the service is a way into the host as well."""
    greet: Callable[[bytes, str | None], Greeting | None]
    """What the first bytes on a connection mean; None while more may come.

    The second argument says why no more will come, if so: "time", "closed" or "reset".
    """
    run_folder: str
    """A folder that its server does not start without, and that is gone after a boot."""
    session_client: str
    """The client's address in a session of it, as a shell's word."""
    service_type: Callable[[Login], int] = unmarked
    """The byte by which its client's packets ask routers for a type of service (DSCP), 0 for none."""
    growing: Growing | None = None
    """How it is tried what sizes of packets come through, None if that cannot be."""
    default: bool = False
    """Whether it is the one that is meant where none is named."""

    def visit(
        self,
        site: Site,
        first: socket,
        connect: Callable[[str, int], socket],
        deadline: float | None = None,
    ) -> Any:
        """The conversation with a site on the connection ``first``; ``connect`` makes more of them."""
        return self._part("visit").visit(site, first, connect, deadline)

    def offered_keys(self, login: Login) -> tuple[str, ...] | Unknown:
        """The fingerprints of the keys that a client of this machine would offer."""
        found: tuple[str, ...] | Unknown = self._part("client").offered_keys(login)
        return found

    def playbook_variables(self, faces: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Plain values for playbooks, from the facts about each address that was dialled.

        What is unknown is left out, so that a playbook which needs it fails before anything is changed.
        """
        found: dict[str, Any] = self._part("variables").playbook_variables(faces)
        return found

    def weaknesses(self, facts: Mapping[str, Any]) -> tuple[str, ...]:
        """What is weak at its door, a line each, as far as the facts that were asked anyway tell."""
        return tuple(self._part("weaknesses").weaknesses(facts)) if self.logs_in else ()

    def _part(self, name: str) -> Any:
        return import_module(f"sshdoctor.services.{self.name}.{name}")
