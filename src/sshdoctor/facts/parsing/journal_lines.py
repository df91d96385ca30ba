"""Entries of the journal as ``journalctl -o json`` prints them, and who is known to have written them.

Source: systemd.journal-fields(7): a field that begins with "_" is journald's own, and no process chooses it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import msgspec
from msgspec import Struct

from sshdoctor.model import Unknown

LONGEST = 2000
"""Characters of a message that are kept."""


class Line(Struct, frozen=True):
    """One message. ``trusted``: the system itself vouches that root's own server, or systemd, wrote it.

    ``account``: it vouches that a server wrote it as the one who logs in, who may have started that himself.
    ``early``: it may be older than what is asked about, and counts only if it names that.
    """

    program: str
    pid: int
    message: str
    trusted: bool
    account: bool = False
    early: bool = False


class _Entry(Struct):
    """The fields of an entry; journald writes text that is no UTF-8 as a list of numbers."""

    message: object = msgspec.field(name="MESSAGE", default="")
    pid: str = msgspec.field(name="_PID", default="0")
    uid: str = msgspec.field(name="_UID", default="")
    exe: str = msgspec.field(name="_EXE", default="")
    program: str = msgspec.field(name="SYSLOG_IDENTIFIER", default="")
    microseconds: str = msgspec.field(name="__REALTIME_TIMESTAMP", default="")


def journal_lines(
    text: str, servers: Collection[str], uid: str = "0", since: int = 0
) -> tuple[Line, ...] | Unknown:
    """The messages in ``text``, oldest first; Unknown where the journal may not be read.

    ``servers`` are the names of the service's own programs; ``uid`` the one as whom they wrote. What was
    written before ``since``, in seconds since 1970, is early.
    """
    if "insufficient permissions" in text:
        return Unknown("the journal may not be read; root may, or the group systemd-journal")
    return tuple(_entries(text, servers, uid, since))


def _entries(text: str, servers: Collection[str], uid: str, since: int) -> Iterator[Line]:
    decoder = msgspec.json.Decoder(_Entry)
    for line in text.splitlines():
        try:
            entry = decoder.decode(line)
            pid, seconds = int(entry.pid), int(entry.microseconds or 0) / 1e6
        except (msgspec.MsgspecError, ValueError):
            continue
        vouched = _is_vouched(entry, pid, servers, uid)
        yield Line(
            entry.program,
            pid,
            _message(entry.message),
            trusted=vouched and uid == "0",
            account=vouched and uid != "0",
            early=0 < seconds < since,
        )


def _message(field: object) -> str:
    if isinstance(field, list):
        numbers = [each for each in field if isinstance(each, int) and 0 <= each < 256]
        field = bytes(numbers).decode("utf-8", "backslashreplace")
    return str(field)[:LONGEST]


def _is_vouched(entry: _Entry, pid: int, servers: Collection[str], uid: str) -> bool:
    """``uid`` wrote it, as a server or systemd; of a process that has just ended journald knows no path."""
    folder, _, name = entry.exe.rpartition("/")
    server = not entry.exe or (name in servers and not folder.startswith("/home"))
    return entry.uid == uid and (server or pid == 1 or (name == "systemd-executor" and uid == "0"))
