"""Facts that no host prints: put together, for each address dialled, from both sides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from sshdoctor.access.base import LoginFailure, Offers
from sshdoctor.checks.load import Check
from sshdoctor.diagnosis.after_boot import unheard
from sshdoctor.diagnosis.derived.dialled import Dialled, dialled
from sshdoctor.diagnosis.derived.listening import Listening, awaited_ports, listening
from sshdoctor.diagnosis.derived.network import NETWORK, NETWORK_NEEDS, NETWORK_WRITERS, network
from sshdoctor.diagnosis.derived.own_client import OwnClient, own_client
from sshdoctor.diagnosis.derived.path import Path, path
from sshdoctor.diagnosis.derived.start_end import StartEnd, start_end
from sshdoctor.diagnosis.derived.words import Words, words
from sshdoctor.diagnosis.probe import AddressFacts
from sshdoctor.diagnosis.rank import Expectation
from sshdoctor.facts import Writers, derived, load, names
from sshdoctor.model import Login, Reply, Site, Unknown
from sshdoctor.services import progress

DERIVED: Mapping[str, type] = {
    "dialled": Dialled,
    "path": Path,
    "listening": Listening,
    "words": Words,
    "start_end": StartEnd,
    "own_client": OwnClient,
    **NETWORK,
    "inside": Expectation,
    **{name: fact.VALUE for name, fact in derived().items()},
}
"""The derived facts, by the names that checks use."""

NEEDS: Mapping[str, tuple[str, ...]] = {
    "dialled": ("addresses",),
    "path": ("firewall", "addresses", "bans", "links"),
    "listening": ("listeners", "addresses", "firewall", "identity", "processes", "service", "config"),
    "words": ("dial_log", "start"),
    "start_end": ("start",),
    "own_client": (),
    **NETWORK_NEEDS,
    "inside": (),
    **{name: fact.NEEDS for name, fact in derived().items()},
}
"""The facts of the host that each is made of."""

WRITERS: Mapping[str, Writers] = {
    "dialled": {"": "client"},
    "path": {"": "root"},
    "listening": {"": "kernel", "program": "anyone"},
    "words": {"": "root", "said": "anyone", "causes": "anyone"},
    "start_end": {"": "root"},
    "own_client": {"": "client"},
    **NETWORK_WRITERS,
    "inside": {"": "root"},
    **{name: fact.WRITERS for name, fact in derived().items()},
}
"""Who could have written each; the messages in ``words.said`` say themselves whether they are trusted."""


def hearsay() -> frozenset[str]:
    """The fields, as ``fact.field``, that anybody on the host could have written."""
    every = {**{name: load(name).WRITERS for name in names()}, **WRITERS}
    types: Mapping[str, Any] = {**{name: load(name).VALUE for name in names()}, **DERIVED}
    return frozenset(
        f"{name}.{field}"
        for name, writers in every.items()
        for field in types[name].__struct_fields__
        if field != "evidence" and writers.get(field, writers.get("")) == "anyone"
    )


def facts_of(checks: Iterable[Check]) -> tuple[str, ...]:
    """The facts of the host that ``checks`` hang on, through derived ones too."""
    asked = dict.fromkeys(name for check in checks for name in check.facts)
    return tuple(sorted({"identity", *(real for name in asked for real in NEEDS.get(name, (name,)))}))


class Conversation(Struct, frozen=True, kw_only=True):
    """What happened between the client and the host, seen from outside."""

    service: str
    login: Login
    replies: Sequence[Reply]
    failure: LoginFailure | None
    on_this_machine: bool
    witness: tuple[str, ...] = ()
    """What the person's own client said, where it was asked."""
    offers: Offers = Offers()
    """What the client would have brought to a login, where none was tried."""
    heard: tuple[str, ...] = ()
    """What the client's session printed before it ended."""
    site: Site | None = None
    """What was asked for, where the service is a site."""
    off: bool = False
    """The host was looked into on a mounted disk, whose system does not run."""
    around: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What this machine says of itself on the way to each address, and what a second dial showed."""


def derive(conversation: Conversation, reply: Reply, view: AddressFacts) -> dict[str, object]:
    """The facts of the host, and the derived ones for ``reply`` (all but ``inside``)."""
    known: dict[str, Any] = {name: Unknown("not asked for") for names in NEEDS.values() for name in names}
    known |= {**view.facts, "client_address": view.client}
    dial = dialled(
        conversation.service,
        conversation.login,
        reply,
        conversation.replies,
        conversation.failure,
        known["addresses"],
        conversation.on_this_machine,
        conversation.offers,
    )
    if conversation.off:
        dial = unheard(dial, conversation.login)
    way = path(dial, view.client, known["firewall"], known["addresses"], known["bans"], known["links"])
    if isinstance(way, Path) and way.redirected_to:
        dial = replace(dial, arrives_at=way.redirected_to[0], inside_port=way.redirected_to[1])
    port, again = _source_port(reply, view.client), bool(conversation.witness)
    heard = conversation.heard
    log = known["dial_log"]
    if not progress(reply.word) and not isinstance(log, Unknown):
        log = replace(log, lines=())  # what did not connect was seen by no program of the host
    said = words(conversation.service, view.client, port, log, known["start"], heard, again=again)
    around = conversation.around.get(reply.address or "", Unknown("this machine was not asked"))
    known |= {"dialled": dial, "words": said, "answer": reply.answer, "asked_site": conversation.site}
    return {
        **known,
        **{name: fact.derive(known) for name, fact in derived().items()},
        **network(dial, known, around, conversation.on_this_machine, way, conversation.login),
        "path": way,
        "listening": listening(
            dial,
            known["listeners"],
            _no_server_runs(known),
            _incoming(known["addresses"]),
            awaited_ports(known["service"], known["config"]),
        ),
        "start_end": start_end(known["start"]),
        "own_client": own_client(conversation.service, conversation.login, conversation.witness),
    }


def _source_port(reply: Reply, client: str | None) -> int | None:
    """The client's port as the host sees it: its own, unless something on the way gave it another address."""
    return reply.source_port if client is not None and reply.source == client else None


def _incoming(addresses: Any) -> str:
    """The interface that holds the address dialled, "" where that is not known, or is lo."""
    name = getattr(addresses, "dialled_interface", None)
    return name if isinstance(name, str) and name != "lo" else ""


def _no_server_runs(known: Mapping[str, Any]) -> bool:
    """No process of a server is there, and systemd holds no socket for one."""
    identity, processes, service = known["identity"], known["processes"], known["service"]
    if isinstance(processes, Unknown) or processes.running is not False or processes.other_servers:
        return False
    if getattr(identity, "privileged", None) is True:
        return True  # then systemd's own sockets are seen for what they are
    if isinstance(service, Unknown):
        return False
    return service.manager != "systemd" or service.socket_state in ("absent", "inactive", "failed", "masked")
