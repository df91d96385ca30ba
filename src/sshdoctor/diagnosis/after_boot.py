"""A system on a mounted disk: what a client would meet after its boot, as far as files tell.

What comes back from the address now is not this system's answer, and is set aside. Whatever only a running
system could say stays unknown; a check that finds a fault is believed if the fault stops the daemon, or the
client, whatever else is unknown: judged as if nothing listened where the daemon is at fault, and else as if
it listened as it is configured. A check that finds nothing then is no pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from shlex import quote
from typing import Any, cast

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor import services
from sshdoctor.checks.evaluate import Evaluated, evaluate
from sshdoctor.checks.load import Check
from sshdoctor.checks.run import Run
from sshdoctor.diagnosis.derived.dialled import Dialled
from sshdoctor.diagnosis.derived.listening import listening
from sshdoctor.diagnosis.derived.path import Path, path
from sshdoctor.facts import OFF, derived, load
from sshdoctor.facts.host.firewall import Firewall
from sshdoctor.facts.parsing.sockets import Listeners
from sshdoctor.model import Cause, Command, Login, Unknown, is_address

NOTE = (
    "The system on this disk is not running, so that what came back now is not its answer: the causes, and "
    "what is foretold, are about the time after its boot. Commands are for that time, or for files under the "
    "mount point; systemctl takes --root there."
)
NOTHING_FOUND = (
    "No file on this disk speaks against a login; what only the running system shows was not seen."
)
_NO_KEYS = Unknown("the keys that the client would offer are not known")

_RESTORED = {
    "ipv4": ("/etc/iptables/rules.v4", "/etc/sysconfig/iptables"),
    "ipv6": ("/etc/iptables/rules.v6", "/etc/sysconfig/ip6tables"),
}
_FIREWALLD = "/etc/firewalld/zones/*.xml /usr/lib/firewalld/zones/*.xml (what firewalld makes of them)"
_UFW = {"ipv4": "/etc/ufw/{before,user,after}.rules", "ipv6": "/etc/ufw/{before6,user6,after6}.rules"}

Face = Mapping[str, Any]


class Foretold(Struct, frozen=True):
    """``word`` is the reply of the first obstacle, "" if there is none; ``why`` is its summary."""

    word: str
    why: str


def unheard(dial: Dialled, login: Login) -> Dialled:
    """``dial`` without what another system answered, and with the keys that the client would offer."""
    return replace(
        dial,
        off=True,
        reply=dial.reply if dial.reply == "name-not-found" else OFF,
        detail=OFF,
        connected=OFF,
        sender=None,
        foreign_sender=False,
        other_works=False,
        untried=False,
        no_session=False,
        host_key=None,
        client_keys=_offered(dial.service, login),
        methods=OFF,
        missing_algorithm=OFF,
    )


def _offered(service: str, login: Login) -> tuple[str, ...] | Unknown:
    offered = services.load(service).offered_keys(login)
    return offered if isinstance(offered, Unknown) else offered or _NO_KEYS


def judge_after_boot(
    checks: Sequence[Check], face: Face, runs: Mapping[str, Run | Unknown]
) -> dict[str, Evaluated]:
    """Each check's answer, by id, in their order."""
    seen = evaluate(checks, face, runs)
    for supposed in _suppositions(face):
        believed = evaluate(checks, {**face, **supposed}, runs)
        found = {ident: _stricter(one, seen[ident]) for ident, one in believed.items()}
        if any(one.obstacle and one.check.layer == "daemon" for one in found.values()):
            return found
        seen = {ident: found[ident] if found[ident].obstacle else one for ident, one in seen.items()}
    return seen


def _stricter(believed: Evaluated, seen: Evaluated) -> Evaluated:
    """A pass that hangs on a supposition is none."""
    return seen if believed.status == "pass" and seen.status == "unknown" else believed


def foretell(judged: Mapping[str, Evaluated]) -> Foretold:
    """What a client would get, unless something stops it earlier that no file tells of."""
    for one in judged.values():
        if one.obstacle and one.obstacle.reply and one.obstacle.reply[0] != "any":
            return Foretold(one.obstacle.reply[0], f"After the boot: {one.summary}")
    return Foretold("", "")


def at_most_likely(cause: Cause) -> Cause:
    """What no client has met is not proved; a name that does not resolve has been met."""
    if cause.confidence == "proved" and cause.id != "name-not-resolved":
        return replace(cause, confidence="likely")
    return cause


def _suppositions(face: Face) -> Iterator[dict[str, Any]]:
    """The facts that are supposed, in turn; none where another server starts at boot."""
    service, config, dial = face["service"], face["config"], face["dialled"]
    if isinstance(service, Unknown) or service.others:
        return
    dial = replace(dial, arrives_at=dial.address) if is_address(dial.address) else dial
    if service.socket_enabled != "enabled":
        yield _supposed(face, dial, Listeners(sockets=(), own=(), source="files", evidence=()))
    listeners: Listeners = cast(Any, load("listeners")).after_boot(service, config)
    if listeners.sockets and service.at_boot is True:
        on = {"service": replace(service, socket_state="listening")} if service.socket_listens else {}
        yield {**_supposed(face, dial, listeners), **on}


def _supposed(face: Face, dial: Dialled, listeners: Listeners) -> dict[str, Any]:
    firewall, client = face["firewall"], face["client_address"]
    if getattr(firewall, "readable", None) == OFF:
        firewall = replace(firewall, readable="yes" if firewall.dumps else "absent")
    derives = {name: fact.derive({**face, "dialled": dial}) for name, fact in derived().items()}
    return {
        **derives,
        "dialled": dial,
        "path": _as_filed(path(dial, client, firewall, OFF, OFF), dial.family, firewall),
        "listening": listening(dial, listeners, no_server_runs=True),
    }


def _as_filed(way: Path | Unknown, family: str, firewall: Firewall | Unknown) -> Path | Unknown:
    """The rule where it stands now, in a file, and the change that can be made there."""
    if isinstance(way, Unknown) or isinstance(firewall, Unknown):
        return way
    file = _file_of(way, family, firewall)
    words = way.opening.words if way.opening and way.opening.tool not in ("ufw", "firewall-cmd") else ""
    shown = tuple(replace(each, source=f"cat {file}") for each in way.evidence)
    written = Command(f"In {quote(file)}, before what stops it, write: {words}")
    return replace(way, evidence=shown, fix=written if words else way.fix)


def _file_of(way: Path, family: str, firewall: Firewall) -> str:
    if way.owner.startswith("nftables"):
        return "/etc/nftables.conf"
    if way.owner == "ufw":
        return _UFW[family]
    if way.owner == "firewalld":
        return _FIREWALLD
    return next((name for name in _RESTORED[family] if name in firewall.saved), _RESTORED[family][0])
