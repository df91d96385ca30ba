"""Whether fail2ban holds this client's address in one of its jails.

Sources: fail2ban-client(1), ``banned`` (since 0.11.2) and ``get JAIL banip --with-time``. Only root may ask
the server, and only a server that runs is asked: its socket is there. Measured: 65 ms a question.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from sshdoctor.facts.parsing.output import NOT_PERMITTED, denied, evidence, parts, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.parsing.words import plain_name
from sshdoctor.model import Evidence, Unknown

COMMANDS = {
    "fail2ban": """
[ -S /run/fail2ban/fail2ban.sock ] && command -v fail2ban-client >/dev/null || exit 0
set -f
echo '## banned'
banned=$(fail2ban-client banned 2>&1); status=$?
[ $status = 0 ] || { echo "$banned"; exit 0; }
echo '## jails'
for jail in $(echo "$banned" | tr '{}' '\\n\\n' | grep -F "'$client'" | sed "s/^'\\([^']*\\)'.*/\\1/"); do
  echo "$jail $(fail2ban-client get "$jail" banip --with-time 2>&1 | grep -F "$client ")"
done
"""
}


class Jail(Struct, frozen=True):
    """A jail that holds the client; times are the host's, "" where the server did not say."""

    name: str
    since: str
    until: str


class Bans(Struct, frozen=True, kw_only=True):
    """``running``: fail2ban's server is there. ``jails``: those that hold this client's own address."""

    running: bool
    jails: tuple[Jail, ...] | Unknown
    evidence: tuple[Evidence, ...]


VALUE = Bans
_TIMES = re.compile(r"^(\S+) \S+\s+(\d{4}-\d\d-\d\d [\d:]{8}) \+ -?\d+ = (\d{4}-\d\d-\d\d [\d:]{8})$")


def parse(sections: Mapping[str, Section]) -> Bans | Unknown:
    section = sections["fail2ban"]
    if (cut := unseen(section)) is not None:
        return Bans(running=True, jails=cut, evidence=())
    said = parts(section.output)
    if "banned" not in said:
        return Bans(running=False, jails=(), evidence=())
    if "jails" not in said:
        failed = said["banned"].strip().partition("\n")[0]
        return Bans(running=True, jails=NOT_PERMITTED if denied(failed) else Unknown(failed), evidence=())
    lines = [line for line in said["jails"].splitlines() if line.strip()]
    return Bans(
        running=True,
        jails=tuple(_jail(line) for line in lines),
        evidence=evidence("fail2ban-client get JAIL banip --with-time", lines),
    )


def _jail(line: str) -> Jail:
    """A ban for ever has the year 9999 as its end.

    >>> _jail("sshd 192.0.2.1 \\t2026-11-22 10:20:46 + 600 = 2026-11-22 10:30:46")
    Jail(name='sshd', since='2026-11-22 10:20:46', until='2026-11-22 10:30:46')
    """
    times = _TIMES.match(line)
    return (
        Jail(plain_name(times[1]), times[2], times[3]) if times else Jail(plain_name(line.split()[0]), "", "")
    )
