"""What is full of the file systems where a login writes: no space, or no inodes, left.

Sources: df(1) (-P is POSIX; -i counts inodes; some file systems count none, and print "-" or 0 for all),
statvfs(3). A file system that nobody may write to is full by nature: it is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from sshdoctor.facts.parsing.output import evidence, parts, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.parsing.words import path
from sshdoctor.model import Evidence, Unknown

COMMANDS = {
    "free": """
home=$(getent passwd -- "$user" 2>/dev/null) home=${home%:*} home=${home##*:}
set -- / /var /var/log /var/tmp /tmp /run
case $home in /*) [ ! -d "$home" ] || set -- "$@" "$home" ;; esac
echo '## space'; df -P -k "$@" 2>/dev/null
echo '## inodes'; df -P -i "$@" 2>/dev/null
echo '## read-only'; awk '$4 ~ /^ro(,|$)/ { print $2 }' /proc/mounts 2>/dev/null | head -n 100
true
"""
}


class DiskSpace(Struct, frozen=True, kw_only=True):
    """``full``: the mount points without room for one more file, each once; ``what`` says what they lack."""

    full: tuple[str, ...]
    what: tuple[str, ...]
    evidence: tuple[Evidence, ...]


VALUE = DiskSpace
WRITERS = {"": "kernel"}
OF_REFUSALS = True


def parse(sections: Mapping[str, Section]) -> DiskSpace | Unknown:
    if cut := unseen(sections["free"]):
        return cut
    said = parts(sections["free"].output)
    closed = frozenset(said.get("read-only", "").splitlines())
    space, inodes = (tuple(_full(said.get(name, ""), closed)) for name in ("space", "inodes"))
    if not said.get("space", ""):
        return Unknown("df prints nothing here")
    full = tuple(dict.fromkeys(path(mount) for mount, _ in (*space, *inodes)))
    return DiskSpace(
        full=full,
        what=(
            *(f"{mount} has no space left" for mount, _ in space),
            *(f"{mount} has no inodes left" for mount, _ in inodes),
        ),
        evidence=evidence("df -P", [line for _, line in space])
        + evidence("df -P -i", [line for _, line in inodes]),
    )


def _full(table: str, closed: frozenset[str]) -> Iterator[tuple[str, str]]:
    """The mount points of which nothing is left, each once, with the line that says so."""
    seen: set[str] = set()
    for line in table.splitlines()[1:]:
        words = line.split(None, 5)
        if len(words) < 6 or not words[1].isdecimal() or not words[3].lstrip("-").isdecimal():
            continue
        mount = words[5]
        if int(words[1]) > 0 and int(words[3]) <= 0 and mount not in closed and mount not in seen:
            seen.add(mount)
            yield mount, line
