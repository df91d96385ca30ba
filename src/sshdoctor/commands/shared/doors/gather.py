"""A host's doors, from what it says and from the certificates that the client has."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.diagnosis.asked import Asked, ask_host
from sshdoctor.diagnosis.outside import ProbeOptions
from sshdoctor.doors.certificates import read_certificate
from sshdoctor.doors.model import Certificate, Setup
from sshdoctor.doors.table import Doors, doors_of
from sshdoctor.model import Host, Login, Unknown, is_network

_USES = "door_uses"
FACTS = ("door_accounts", "door_servers", "door_guards")


class HostDoors(Struct, frozen=True, kw_only=True):
    """``doors`` is None where the host could not be seen: ``unseen`` says why."""

    host: str
    doors: Doors | None = None
    setup: Setup | None = None
    unseen: str = ""


def doors_of_host(host: Host, probing: ProbeOptions) -> HostDoors:
    """Ask ``host``, and work its doors out."""
    asked = ask_host(host, (*FACTS, _USES), probing)
    for name in FACTS:
        if isinstance(fact := asked.facts[name], Unknown):
            return HostDoors(host=host.name, unseen=_why(asked, fact))
    setup = setup_of(asked)
    doors = doors_of(setup)
    notes = [*doors.notes, *_unused(doors, asked.facts[_USES])]
    return HostDoors(host=host.name, doors=replace(doors, notes=notes), setup=setup)


def _unused(doors: Doors, uses: Any) -> Iterator[str]:
    """The doors by which nobody came, as far as that is known."""
    if isinstance(uses, Unknown):
        return
    idle = [
        f"{account} {door}"
        for account, own in doors.accounts.items()
        for door, sets in own.items()
        if sets and door != "sudo" and "@" not in door and (door.partition(":")[0], account) not in uses.seen
    ]
    since = datetime.fromtimestamp(uses.since, UTC).date()
    if idle:
        yield f"Nobody has come in since {since}, as far as the journal goes, by: {', '.join(idle)}"


def _why(asked: Asked, fact: Unknown) -> str:
    if asked.used.via is not None:
        return f"{fact.reason} (root's rights are needed; looked inside by {asked.used.via})"
    tried = "; ".join(f"{one.via}: {one.reply} {one.detail}".strip() for one in asked.used.tried)
    return f"no way in{f' ({tried})' if tried else ''}"


def setup_of(asked: Asked) -> Setup:
    """What all facts say together."""
    accounts, servers, guards = (asked.facts[name] for name in FACTS)
    certificates = tuple(_judged(one, servers.lists) for one in _certificates(asked.host.login))
    return Setup(
        accounts=accounts.accounts,
        left_out=accounts.left_out,
        servers=servers.servers,
        client=asked.client or "127.0.0.1",
        addresses=_others((*servers.addresses, *_sources(certificates)), asked.client),
        services=guards.services,
        debian=guards.debian,
        modules=guards.modules,
        files={**guards.files, **servers.lines},
        places=guards.places,
        blobs=servers.blobs,
        revoked=servers.revoked,
        hidden=servers.hidden,
        programs=accounts.programs,
        now=guards.now,
        behind=_behind(asked, guards.now),
        certificates=certificates,
    )


def _others(addresses: Iterable[str], client: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for one in addresses if one != client))


def _sources(certificates: Iterable[Certificate]) -> Iterator[str]:
    """From where alone a certificate holds: an address by itself, without its length."""
    words = (word for one in certificates for word in one.sources.split(",") if is_network(word))
    for network in (ip_network(word, strict=False) for word in words):
        yield str(network.network_address if network.num_addresses == 1 else network)


def _behind(asked: Asked, now: float) -> float:
    """How far the host's clock is behind this side's, as far as the time of asking allows to say."""
    if asked.began - 1 <= now <= asked.ended + 1:
        return 0.0
    return asked.began - now if now < asked.began else asked.ended - now


def _judged(one: Certificate, lists: Mapping[str, str]) -> Certificate:
    """The certificate with the revocation lists that name it, as ssh-keygen(1) -Q says."""
    found = (
        path
        for path, text in lists.items()
        if text and (_is_revoked(one.file, text) or _is_listed(one.authority, text))
    )
    return replace(one, revoked=tuple(found))


def _is_revoked(file: str, revoked: str) -> bool:
    with NamedTemporaryFile() as copy:
        copy.write(base64.b64decode(revoked))
        copy.flush()
        command = ["ssh-keygen", "-Q", "-f", copy.name, str(Path(file).expanduser())]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    return "REVOKED" in done.stdout


def _is_listed(authority: str, revoked: str) -> bool:
    """Whether a list of keys, one a line, has the authority itself: sshd asks for it, too."""
    lines = base64.b64decode(revoked).decode("utf-8", "replace").splitlines()
    return any(authority in line.partition("#")[0].split() for line in lines)


def _certificates(login: Login) -> Iterator[Certificate]:
    """Those that ssh would offer: beside the keys, and those that the configuration names."""
    named = [f"{file}-cert.pub" for file in login.key_files]
    named += [login.options["certificatefile"]] if "certificatefile" in login.options else []
    for file in dict.fromkeys(named):
        path = Path(file).expanduser()
        if path.is_file():
            line = path.read_text(encoding="utf-8", errors="replace").partition("\n")[0]
            if certificate := read_certificate(line, file):
                yield certificate
