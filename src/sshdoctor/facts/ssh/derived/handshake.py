"""The fact ``handshake``: what client and server would not agree upon, had the dial come so far.

Sources: sshd_config(5) and ssh_config(5), KexAlgorithms, Ciphers; ssh(1), VERIFYING HOST KEYS.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from sshdoctor.facts.ssh.config import Config
from sshdoctor.facts.ssh.host_keys import HostKeys
from sshdoctor.model import Evidence, Unknown


class Handshake(Struct, frozen=True, kw_only=True):
    """``missing`` is the kind of algorithm of which the two ends have none in common, ``changed`` the host's
    own key where the client knows another of its type, and none of the host's; "" each where that is not so,
    or where it cannot be told."""

    missing: str
    changed: str
    evidence: tuple[Evidence, ...]


VALUE = Handshake
WRITERS = {"": "root"}
NEEDS = ("config", "host_keys", "processes")
_KINDS = {"kexalgorithms": "kex", "ciphers": "cipher"}


def derive(known: Mapping[str, Any]) -> Handshake | Unknown:
    """Only for a dial that ended before: there is nothing else to be told of one that came so far."""
    dial = known["dialled"]
    if not dial.untried or _others(known["processes"]):
        return Handshake(missing="", changed="", evidence=())
    missing = _missing(dial.algorithms, known["config"])
    changed = _changed(dial.known_host_keys, known["host_keys"]) if dial.translated is False else None
    shown = (*(missing[1] if missing else ()), *(changed[1] if changed else ()))
    return Handshake(
        missing=missing[0] if missing else "", changed=changed[0] if changed else "", evidence=shown
    )


def _others(processes: Any) -> bool:
    """Another SSH server runs, whose algorithms and keys are its own."""
    return bool(getattr(processes, "other_servers", ()))


def _missing(
    ours: Mapping[str, tuple[str, ...]], config: Config | Unknown
) -> tuple[str, tuple[Evidence, ...]] | None:
    if isinstance(config, Unknown):
        return None
    for name, kind in _KINDS.items():
        client, server = set(ours.get(name, ())), _plain(config.effective.get(name, ()))
        if client and server and not client & set(server):
            told = f"client: {', '.join(ours[name])}\nserver: {', '.join(server)}"
            return kind, (Evidence(f"{kind} algorithms (ssh -G, sshd -T)", told),)
    return None


def _plain(values: tuple[str, ...]) -> tuple[str, ...]:
    """The algorithms of a list that stands for itself: one that changes the default's tells nothing here."""
    return (
        tuple(values[0].split(",")) if values and values[0][:1] not in "+-^" and "*" not in values[0] else ()
    )


def _changed(
    known: tuple[tuple[str, str], ...], keys: HostKeys | Unknown
) -> tuple[str, tuple[Evidence, ...]] | None:
    if isinstance(keys, Unknown) or keys.state != "present":
        return None
    marks = {mark for _, mark in known}
    own = [key for key in keys.keys if isinstance(key.fingerprint, str) and key.usable is True]
    if any(key.fingerprint in marks for key in own):
        return None
    types = {kind for kind, _ in known}
    other = next((key for key in own if key.type in types), None)
    if other is None:
        return None
    theirs = ", ".join(mark for kind, mark in known if kind == other.type)
    told = f"known_hosts: {theirs}\nhost: {other.fingerprint}"
    return str(other.fingerprint), (Evidence(f"the host's {other.type} key", told),)
