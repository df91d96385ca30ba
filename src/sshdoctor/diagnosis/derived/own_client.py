"""The fact ``own_client``: what the person's own client, its key files and its options do on this dial."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from sshdoctor.access import key_fault
from sshdoctor.checks.said import Said
from sshdoctor.model import Command, Evidence, Login
from sshdoctor.reasons import classify
from sshdoctor.services import load


class OwnClient(Struct, frozen=True, kw_only=True):
    """``said`` are the client's own lines that name a cause, () where it was not asked.

    ``key_cause`` is the cause that a key file gives by itself ("" for none), ``key_says`` and ``key_mend``
    what to say of it; ``overrides`` are the options, as NAME=VALUE, that the inventory gives and that choose
    what it may agree to.
    """

    said: tuple[Said, ...]
    key_cause: str
    key_says: str
    key_mend: Command
    overrides: tuple[str, ...]
    evidence: tuple[Evidence, ...]


_CHOOSING = ("ciphers", "kexalgorithms", "macs", "hostkeyalgorithms", "pubkeyacceptedalgorithms")


def own_client(service: str, login: Login, lines: Sequence[str]) -> OwnClient:
    """The fact; ``lines`` are what the client said, where it was asked."""
    program = load(service).client
    fault = next((found for path in login.key_files if (found := key_fault(path))), None)
    said = tuple(_said(program, lines))
    shown = [one.text for one in said] or list(lines[-3:])
    return OwnClient(
        said=said,
        key_cause=fault.cause if fault else "",
        key_says=fault.says if fault else "",
        key_mend=fault.mend if fault else Command(),
        overrides=tuple(f"{name}={login.options[name]}" for name in _CHOOSING if name in login.options),
        evidence=(Evidence(f"{program} -v", "\n".join(shown)),) if lines else (),
    )


def _said(program: str, lines: Sequence[str]) -> Iterator[Said]:
    for text in lines:
        reason = classify(program, text)
        if reason and reason.entry.cause and reason.entry.ends:
            yield Said(
                cause=reason.entry.cause, of="client", text=text, parts=reason.parts, trusted=reason.certain
            )
