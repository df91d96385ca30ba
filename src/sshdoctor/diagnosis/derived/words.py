"""The fact ``words``: what the host's own programs said about this dial, and the causes that they named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from sshdoctor.checks.said import Said
from sshdoctor.facts.parsing.journal_lines import Line
from sshdoctor.model import Evidence, Unknown, plain_address
from sshdoctor.reasons import CLIENT_STAGES, Reason, classify
from sshdoctor.services import load

_SYSTEMD = 1
"""Its process: of its lines about a socket unit only those count that name a cause."""


class Words(Struct, frozen=True, kw_only=True):
    """``said`` in the order in which it was written; ``causes`` are the ids of its causes, each once.

    ``unexplained`` are messages that no list of reasons knows, or that refuse without naming a cause.
    """

    said: tuple[Said, ...]
    causes: tuple[str, ...]
    unexplained: tuple[str, ...]
    refused_account: str
    """What the server wrote when PAM's account stage said no, where the message itself names no cause; ""."""
    timed_out: str
    """What the server wrote when its time for the login was over, or ""."""
    accepted_key: str
    """The fingerprint of the key that the server says it took, or ""."""
    evidence: tuple[Evidence, ...]


class _Read(Struct, frozen=True):
    line: Line
    reason: Reason | None

    @property
    def peer(self) -> tuple[str, str] | None:
        """The client's address and port in the message, if it names them for certain.

        What is said at the start (``Server listening on``) names the server's own.
        """
        parts = self.reason.parts if self.reason and self.reason.entry.stage != "start" else {}
        return (_one_spelling(parts["address"]), parts.get("port", "")) if parts.get("address") else None


def words(
    service: str,
    client: str | None,
    port: int | None,
    log: Any,
    start: Any,
    heard: Sequence[str] = (),
    *,
    again: bool = False,
) -> Words | Unknown:
    """The fact; ``client`` and ``port`` are the client's, as the host sees them, None where not known;
    ``log`` and ``start`` the facts dial_log and start. ``again``: the client dialled once more after that,
    from a port that is not known.

    ``heard`` is what the client's session printed before it ended; it counts where the host's log says as
    much, for a start file may print anything.

    Where the service does not run, and is not left to a socket unit that does, what was said at its last
    start counts as said about this dial.
    """
    down = not isinstance(start, Unknown) and not start.runs and not start.left_to_socket
    if down and isinstance(start.lines, tuple) and start.lines:
        return _of_start(start, start.lines)
    if isinstance(log, Unknown):
        return log
    if isinstance(log.lines, Unknown):
        return log.lines
    if client is None:
        return Unknown("the client's address is not known")
    # Where the system vouches for some lines, what anybody may have written beside them counts for nothing.
    lines = [line for line in log.lines if line.trusted or line.account] or log.lines
    ours = _ours([_Read(line, classify(line.program, line.message)) for line in lines], client, port, again)
    said = (*_said(ours), *_heard(load(service).client, heard, ours))
    shown = "\n".join(f"{one.line.program}[{one.line.pid}]: {one.line.message}" for one in ours[-8:])
    return Words(
        said=said,
        causes=tuple(dict.fromkeys(one.cause for one in said)),
        unexplained=tuple(one.line.message for one in ours if _refuses_unexplained(one)),
        refused_account=next((one.line.message for one in ours if _refuses_account(one)), ""),
        timed_out=next((one.line.message for one in ours if _ran_out(one)), ""),
        accepted_key=_accepted(ours),
        evidence=(Evidence(log.source, shown),) if ours else (),
    )


def _of_start(start: Any, lines: Sequence[Line]) -> Words:
    read = [_Read(line, classify(line.program, line.message)) for line in lines]
    served = {one.line.pid for one in read if one.peer}
    own = [one for one in read if one.line.pid not in served]  # others' connections are no part of it
    said = tuple(_said(own, of="start"))
    shown = "\n".join(f"{one.line.program}[{one.line.pid}]: {one.line.message}" for one in own[-8:])
    return Words(
        said=said,
        causes=tuple(dict.fromkeys(one.cause for one in said)),
        unexplained=(),
        refused_account="",
        timed_out="",
        accepted_key="",
        evidence=(Evidence(f"journalctl -b -u {start.unit}", shown),),
    )


def _ours(lines: Sequence[_Read], client: str, port: int | None, again: bool) -> list[_Read]:
    """The messages about this client's connection: by the peer that they or their process's others name.

    Those of processes that name no peer (the listening server's, or of one that ended at once) count as well.
    Of a client whose port is known, only what names it counts; where it dialled ``again``, so does every
    process that named the client after it first wrote of that port, and not before. ``port`` is None where
    NAT changed it.
    """
    address = _one_spelling(client)
    first = (address, str(port))
    begun = next((number for number, one in enumerate(lines) if one.peer == first), 0) if again else 0
    before = {one.line.pid for one in lines[:begun]}

    def is_ours(peer: tuple[str, str], pid: int) -> bool:
        same = port is None or peer[1] in ("", str(port)) or (again and pid not in before)
        return peer[0] == address and same

    peers: dict[int, list[tuple[str, str]]] = {}
    for one in lines:
        peers.setdefault(one.line.pid, []).extend([one.peer] if one.peer else [])

    def belongs(one: _Read) -> bool:
        named = [one.peer] if one.peer else peers[one.line.pid]
        return any(is_ours(peer, one.line.pid) for peer in named) if named else not one.line.early

    return [one for one in lines if belongs(one)]


def _one_spelling(address: str) -> str:
    return plain_address(address) or address


def _said(lines: Iterable[_Read], of: str = "dial") -> Iterator[Said]:
    for one in lines:
        if one.reason and one.reason.entry.cause:
            yield Said(
                cause=one.reason.entry.cause,
                of=of,
                text=one.line.message,
                parts=one.reason.parts,
                trusted=one.reason.certain and (one.line.trusted or _of_login(one.line, one.reason)),
            )


def _of_login(line: Line, reason: Reason) -> bool:
    """Behind the login the server writes as the one who logged in, who is believed about that alone.

    Only while it names nothing but the kernel's error: a path in it would be that one's choice.
    """
    return line.account and reason.entry.stage == "session" and reason.parts.keys() <= {"errno"}


def _heard(program: str, heard: Sequence[str], ours: Sequence[_Read]) -> Iterator[Said]:
    """What the client was told; sure where the server's log refuses at that stage and names no cause.

    A session that printed something is past what a client says before it has dialled.
    """
    stages = {
        one.reason.entry.stage
        for one in ours
        if one.line.trusted and one.reason and one.reason.entry.ends and not one.reason.entry.cause
    }
    for text in heard:
        reason = classify(program, text)
        if reason and reason.entry.cause and reason.entry.stage not in CLIENT_STAGES:
            trusted = reason.certain and reason.entry.stage in stages
            yield Said(cause=reason.entry.cause, of="dial", text=text, parts=reason.parts, trusted=trusted)


def _accepted(ours: Sequence[_Read]) -> str:
    own = [one.line.message for one in ours if one.line.trusted]
    messages = [message for message in own if message.startswith("Accepted publickey for ")]
    found = re.search(r" (SHA256:[A-Za-z0-9+/]{43})$", messages[0]) if messages else None
    return found[1] if found else ""


def _refuses_account(one: _Read) -> bool:
    entry = one.reason.entry if one.reason else None
    return entry is not None and one.line.trusted and (entry.stage, entry.ends, entry.cause) == (
        "account", True, None,
    ) and "PAM" in one.line.message  # fmt: skip


def _ran_out(one: _Read) -> bool:
    among = one.reason.entry.among if one.reason else ()
    return one.line.trusted and "login-grace-exceeded" in among


def _refuses_unexplained(one: _Read) -> bool:
    return one.line.trusted and one.reason is None and one.line.pid != _SYSTEMD
