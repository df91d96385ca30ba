"""Who logged in, was refused, or brought a file by FTP: the last lines of their logs, each with its time.

Sources: systemd.journal-fields(7) (_EXE is the kernel's word); OpenSSH's auth.c ("Accepted METHOD for USER from ADDRESS"), xferlog(5), vsftpd.conf(5) (vsftpd_log_file), which root's programs write; the name is
the client's word until it is accepted. In a file of syslog any user of the host may write. Where no log file is kept, journald is asked for what sshd wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

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
chosen='sshd(-session)?\[[0-9]+\]: (Accepted|Failed|pam_unix\(sshd:session\): session closed) |password changed for '
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
for file in /var/log/xferlog.1 /var/log/xferlog /var/log/proftpd/xferlog.1 /var/log/proftpd/xferlog \
  /var/log/vsftpd.log.1 /var/log/vsftpd.log; do
  [ -f "$file" ] && [ ! -h "$file" ] || continue
  printf '@\t%s\n' "$file"
  tail -c 20000000 "$file" | grep -aE ' [ab] [^ ]+ i [arg] | OK UPLOAD: ' | tail -n 4000 | cut -c1-600 | sed 's/^/|/'
done
true
"""
}

_SAID = re.compile(
    r"sshd(?:-session)?\[(\d+)\]: (Accepted|Failed) (\S+) for (?:invalid user )?(\S+) from (\S+) port "
)
_KEY = re.compile(r" (SHA256:[A-Za-z0-9+/]{43})$")
_CLOSED = re.compile(r"sshd(?:-session)?\[(\d+)\]: pam_unix\(sshd:session\): session closed for user ")
_PUT = re.compile(
    r"^\w{3} (\w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}) \d+ (\S+) \d+ (/.{1,400}) [ab] \S+ i [arg] (\S+) "
)
"""xferlog(5): a file that came in."""
_PUT_HERE = re.compile(
    r"^\w{3} (\w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}) .{0,40}\[([^\]]{1,64})\] OK UPLOAD: Client \"([^\"]{1,64})\", \"(/[^\"]{1,400})\""
)
"""vsftpd's own log."""
_CHANGED = re.compile(r"password changed for (\S+)")


class Entry(Struct, frozen=True, kw_only=True):
    """``kind`` is "accepted", "failed", "changed" (a password) or "upload" (of ``path``, by FTP); ``at`` in
    seconds since 1970."""

    kind: str
    method: str
    user: str
    address: str
    at: float
    log: str
    line: str
    path: str = ""
    key: str = ""
    """The fingerprint of the key that was taken."""
    ended: float | None = None
    """When its session was closed; None if the log does not say."""


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
    log, closed = "", _closed(text, now, zone)
    for line in text.splitlines():
        if line.startswith("@\t"):
            log = line[2:]
        if not line.startswith("|"):
            continue
        at = log_time(line[1:], now, zone) or 0.0
        if said := _SAID.search(line):
            pid, kind, method, user, address = said.groups()
            key = _KEY.search(line.rstrip())
            yield Entry(
                kind=kind.lower(),
                method=method,
                user=user,
                address=address,
                at=at,
                log=log,
                line=line[1:],
                key=key[1] if key else "",
                ended=min((when for when in closed.get(pid, ()) if when >= at), default=None),
            )
        elif (put := _upload(line[1:], log, zone)) is not None:
            yield put
        elif changed := _CHANGED.search(line):
            yield Entry(kind="changed", method="", user=changed[1], address="", at=at, log=log, line=line[1:])


def _upload(line: str, log: str, zone: str) -> Entry | None:
    if found := _PUT.match(line):
        stamp, address, path, user = found.groups()
    elif found := _PUT_HERE.match(line):
        stamp, user, address, path = found.groups()
    else:
        return None
    day, year = stamp.rsplit(" ", 1)
    at = log_time(f"{day} ", _end_of(year), zone) or 0.0
    return Entry(
        kind="upload", method="ftp", user=user, address=address, at=at, log=log, line=line, path=path
    )


def _end_of(year: str) -> float:
    """The last second of a year: a day without one is of the twelve months before."""
    return datetime(int(year), 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()


def _closed(text: str, now: float, zone: str) -> dict[str, list[float]]:
    """By the number of sshd's process, when a session of it was closed."""
    found: dict[str, list[float]] = {}
    for line in text.splitlines():
        if line.startswith("|") and (ended := _CLOSED.search(line)) and (at := log_time(line[1:], now, zone)):
            found.setdefault(ended[1], []).append(at)
    return found
