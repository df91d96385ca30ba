"""Facts that no host prints: put together, for each address dialled, from both sides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from sshdoctor.access.base import LoginFailure
from sshdoctor.checks.load import Check
from sshdoctor.diagnosis.after_boot import unheard
from sshdoctor.diagnosis.derived.admission import Admission, admission
from sshdoctor.diagnosis.derived.dialled import Dialled, dialled
from sshdoctor.diagnosis.derived.keys import Keys, keys
from sshdoctor.diagnosis.derived.network import NETWORK, NETWORK_NEEDS, network
from sshdoctor.diagnosis.derived.path import Path, path
from sshdoctor.diagnosis.derived.permission import Permission, permission
from sshdoctor.diagnosis.derived.socket import Socket, socket
from sshdoctor.diagnosis.derived.words import Words, words
from sshdoctor.diagnosis.probe import AddressFacts
from sshdoctor.diagnosis.rank import Expectation
from sshdoctor.model import Login, Reply, Unknown

DERIVED: Mapping[str, type] = {
    "dialled": Dialled,
    "path": Path,
    "socket": Socket,
    "admission": Admission,
    "permission": Permission,
    "keys": Keys,
    "words": Words,
    **NETWORK,
    "inside": Expectation,
}
"""The derived facts, by the names that checks use."""

NEEDS: Mapping[str, tuple[str, ...]] = {
    "dialled": ("addresses",),
    "path": ("firewall", "addresses", "bans"),
    "socket": ("listeners", "addresses", "firewall", "identity", "processes", "service"),
    "admission": ("wrappers", "addresses"),
    "permission": ("config", "account"),
    "keys": ("account", "config", "dial_log"),
    "words": ("dial_log", "start"),
    **NETWORK_NEEDS,
    "inside": (),
}
"""The facts of the host that each is made of."""


def facts_of(checks: Iterable[Check]) -> tuple[str, ...]:
    """The facts of the host that ``checks`` hang on, through derived ones too."""
    asked = dict.fromkeys(name for check in checks for name in check.facts)
    return tuple(sorted({"identity", *(real for name in asked for real in NEEDS.get(name, (name,)))}))


class Conversation(Struct, frozen=True, kw_only=True):
    """What happened between the client and the host, seen from outside."""

    login: Login
    replies: Sequence[Reply]
    failure: LoginFailure | None
    on_this_machine: bool
    heard: tuple[str, ...] = ()
    """What the client's session printed before it ended."""
    off: bool = False
    """The host was looked into on a mounted disk, whose system does not run."""
    around: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What this machine says of itself on the way to each address that gave no greeting."""


def derive(conversation: Conversation, reply: Reply, view: AddressFacts) -> dict[str, object]:
    """The facts of the host, and the derived ones for ``reply`` (all but ``inside``)."""
    known: dict[str, Any] = {name: Unknown("not asked for") for names in NEEDS.values() for name in names}
    known |= view.facts
    dial = dialled(
        conversation.login,
        reply,
        conversation.replies,
        conversation.failure,
        known["addresses"],
        conversation.on_this_machine,
    )
    if conversation.off:
        dial = unheard(dial, conversation.login)
    way = path(dial, view.client, known["firewall"], known["addresses"], known["bans"])
    if isinstance(way, Path) and way.redirected_to:
        dial = replace(dial, arrives_at=way.redirected_to[0], inside_port=way.redirected_to[1])
    port = _source_port(reply, view.client)
    said = words(view.client, port, known["dial_log"], known["start"], conversation.heard)
    return {
        **known,
        **network(
            dial,
            view.client,
            known,
            conversation.around.get(reply.address or "", Unknown("this machine was not asked")),
            conversation.on_this_machine,
            way,
            conversation.login,
        ),
        "dialled": dial,
        "path": way,
        "socket": socket(dial, known["listeners"], _no_server_runs(known), _incoming(known["addresses"])),
        "admission": admission(dial, view.client, known["wrappers"]),
        "permission": permission(dial.user, view.client or "", known["config"], known["account"]),
        "keys": keys(dial, known["account"], known["config"], getattr(said, "accepted_key", "")),
        "words": said,
    }


def _source_port(reply: Reply, client: str | None) -> int | None:
    """The client's port as the host sees it: its own, unless something on the way gave it another address."""
    return reply.source_port if client is not None and reply.source == client else None


def _incoming(addresses: Any) -> str:
    """The interface that holds the address dialled, "" where that is not known, or is lo."""
    name = getattr(addresses, "dialled_interface", None)
    return name if isinstance(name, str) and name != "lo" else ""


def _no_server_runs(known: Mapping[str, Any]) -> bool:
    """No process of an SSH server is there, and systemd holds no socket for one."""
    identity, processes, service = known["identity"], known["processes"], known["service"]
    if isinstance(processes, Unknown) or processes.running is not False or processes.other_servers:
        return False
    if getattr(identity, "privileged", None) is True:
        return True  # then systemd's own sockets are seen for what they are
    if isinstance(service, Unknown):
        return False
    return service.manager != "systemd" or service.socket_state in ("absent", "inactive", "failed", "masked")
