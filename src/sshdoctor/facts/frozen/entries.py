"""Who logged in, and was refused: the last lines of sshd's and passwd's log, each with its time.

Sources: systemd.journal-fields(7) (_EXE is the kernel's word); OpenSSH's auth.c ("Accepted METHOD for USER from ADDRESS"), which root's programs write; the name is
the client's word until it is accepted. In a file of syslog any user of the host may write. Where no log file is kept, journald is asked for what sshd wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from sshdoctor.facts.parsing.bounded import GENTLE, count, rows
from sshdoctor.facts.parsing.output import evidence, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.parsing.stamps import log_time
from sshdoctor.model import Evidence, Unknown

COMMANDS = {
    "lines": GENTLE
    + r"""
echo "Z	$(date +%s)	$(date +%z)"
chosen='sshd(-session)?\[[0-9]+\]: (Accepted|Failed) |password changed for '
found=
for file in /var/log/auth.log.1 /var/log/auth.log /var/log/secure.1 /var/log/secure; do
  [ -f "$file" ] && [ ! -h "$file" ] || continue
  found=1
  printf '@\t%s\n' "$file"
  tail -c 20000000 "$file" | grep -aE "$chosen" | tail -n 4000 | cut -c1-400 | sed 's/^/|/'
done
if [ -z "$found" ] && command -v journalctl >/dev/null; then
  printf '@\tjournal\n'
  journalctl -q -o short-iso -n 4000 _EXE=/usr/sbin/sshd + _EXE=/usr/lib/openssh/sshd-session \
    + _EXE=/usr/libexec/openssh/sshd-session 2>/dev/null |
    grep -aE "$chosen" | cut -c1-400 | sed 's/^/|/'
fi
true
"""
}

_SAID = re.compile(
    r"sshd(?:-session)?\[\d+\]: (Accepted|Failed) (\S+) for (?:invalid user )?(\S+) from (\S+) port "
)
_CHANGED = re.compile(r"password changed for (\S+)")


class Entry(Struct, frozen=True, kw_only=True):
    """``kind`` is "accepted", "failed" or "changed" (a password); ``at`` in seconds since 1970."""

    kind: str
    method: str
    user: str
    address: str
    at: float
    log: str
    line: str


class Entries(Struct, frozen=True, kw_only=True):
    entries: tuple[Entry, ...]
    evidence: tuple[Evidence, ...]


VALUE = Entries
WRITERS = {"": "anyone"}


def parse(sections: Mapping[str, Section]) -> Entries | Unknown:
    section = sections["lines"]
    if (cut := unseen(section)) is not None:
        return cut
    text = section.output
    now, zone = next(((float(count(r[1])), r[2]) for r in rows(text, 3) if r[0] == "Z"), (0.0, "+0000"))
    found = tuple(_entries(text, now, zone))
    return Entries(entries=found, evidence=evidence("auth.log", [one.line for one in found[-3:]]))


def _entries(text: str, now: float, zone: str) -> Iterator[Entry]:
    log = ""
    for line in text.splitlines():
        if line.startswith("@\t"):
            log = line[2:]
        if not line.startswith("|"):
            continue
        at = log_time(line[1:], now, zone) or 0.0
        if said := _SAID.search(line):
            kind, method, user, address = said.groups()
            yield Entry(
                kind=kind.lower(), method=method, user=user, address=address, at=at, log=log, line=line[1:]
            )
        elif changed := _CHANGED.search(line):
            yield Entry(kind="changed", method="", user=changed[1], address="", at=at, log=log, line=line[1:])
