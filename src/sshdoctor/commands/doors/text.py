"""The table of a host's doors for people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from sshdoctor.commands.shared.doors.compared import sets_text
from sshdoctor.commands.shared.doors.gather import HostDoors
from sshdoctor.doors.table import Doors
from sshdoctor.reports.layout.printable import printable


def told(one: HostDoors) -> str:
    """A host's table, and what stands out in it."""
    return "\n".join(map(printable, _lines(one))) + "\n"


def _lines(one: HostDoors) -> Iterator[str]:
    yield one.host
    doors = one.doors
    if doors is None:
        yield f"  Undecided: {one.unseen}"
        return
    width = max((len(name) for name in doors.accounts), default=0)
    wide = max((len(door) for own in doors.accounts.values() for door in own), default=0)
    for name, own in doors.accounts.items():
        first = name
        for door, sets in own.items():
            yield f"  {first:<{width}}  {door:<{max(wide, _DOOR)}}  {sets_text(sets)}"
            first = ""
    yield from _standing_out(doors)
    if one.setup is not None and one.setup.certificates:
        files = ", ".join(each.file for each in one.setup.certificates)
        yield f"  Certificates are judged by the client's own: {files}."


_DOOR, _WIDTH = 10, 80


def _standing_out(doors: Doors) -> Iterator[str]:
    for name in doors.one_step:
        single = [
            f"{door}: {one[0] if one else 'nothing'}"
            for door, sets in doors.accounts[name].items()
            for one in sets
            if door.startswith("ssh:") and len(one) < 2
        ]
        yield f"  One step, though two were meant: {name} ({', '.join(single)})"
    if doors.locked_out:
        yield f"  Locked out of SSH: {', '.join(doors.locked_out)}"
    for note in doors.notes:
        yield from textwrap.wrap(f"  Note: {note}.", _WIDTH, subsequent_indent=" " * 4)
    for each in doors.unknown:
        yield f"  Undecided: {each.account}, {each.door}: {each.why}"
