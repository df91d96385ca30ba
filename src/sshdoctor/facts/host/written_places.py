"""Whether the file system where a login writes (/var/log, which holds wtmp and lastlog) is mounted read-only.

Sources: proc(5) for /proc/self/mounts (the later of two mounts of one folder is the one that is seen); a root
that is read-only by design has another file system there.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from sshdoctor.facts.parsing.output import evidence
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

COMMANDS = {
    "mounts": """
awk '$2 == "/" || $2 == "/var" || $2 == "/var/log" { print $2, $3, $4 }' /proc/self/mounts 2>&1
"""
}


class WrittenPlaces(Struct, frozen=True, kw_only=True):
    """``read_only`` says that /var/log can not be written to, as ``mount`` is mounted read-only."""

    read_only: bool
    mount: str
    evidence: tuple[Evidence, ...]


VALUE = WrittenPlaces
WRITERS = {"": "root"}
OF_REFUSALS = True


def parse(sections: Mapping[str, Section]) -> WrittenPlaces | Unknown:
    rows = [row.split() for row in sections["mounts"].output.splitlines()]
    mounts = {row[0]: row for row in rows if len(row) == 3 and row[0].startswith("/")}
    if not mounts:
        return Unknown("/proc/self/mounts does not tell what is mounted on /")
    mount, kind, options = max(mounts.values(), key=lambda row: len(row[0]))
    return WrittenPlaces(
        read_only="ro" in options.split(","),
        mount=mount,
        evidence=evidence("grep ' / ' /proc/self/mounts", [f"{kind} {mount} {options}"]),
    )
