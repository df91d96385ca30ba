"""Which doors somebody has used, as far back as the journal goes.

Sources: journalctl(1), sd-journal's trusted field _UID: only what root's programs wrote counts. sshd and
pam_unix write a line for each login; nobody's name is read but those of accounts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from sshdoctor.facts.parsing.output import evidence, parts, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

COMMANDS = {
    "journal": r"""
command -v journalctl >/dev/null || exit 0
echo '## since'
journalctl -q --no-pager _UID=0 -n 20000 -o short-unix 2>/dev/null | head -n 1 | cut -d. -f1
echo '## seen'
journalctl -q --no-pager _UID=0 -n 20000 -t sshd -t sshd-session -t su -t login -o cat 2>/dev/null |
  sed -n -E -e 's/^Accepted [^ ]+ for ([A-Za-z0-9_.@+-]+) from .*/ssh \1/p' \
    -e 's/^pam_unix\(([a-z-]+):session\): session opened for user ([A-Za-z0-9_.@+-]+).*/\1 \2/p' |
  sort | uniq -c | sort -rn | head -n 400
true
"""
}


class DoorUses(Struct, frozen=True, kw_only=True):
    """``seen``: the doors (ssh, su, console) that somebody came in by, each with its account;
    ``since``: the first line of the journal that was read, in seconds since 1970."""

    seen: tuple[tuple[str, str], ...]
    since: float
    evidence: tuple[Evidence, ...]


VALUE = DoorUses
WRITERS = {"": "root"}
_DOORS = {"su-l": "su", "login": "console"}
_LINE = re.compile(r"^[ \t]*\d+ (ssh|su|su-l|login) (\S+)$", re.M)


def parse(sections: Mapping[str, Section]) -> DoorUses | Unknown:
    if cut := unseen(sections["journal"]):
        return cut
    said = parts(sections["journal"].output)
    since = said.get("since", "").strip()
    if not since.isdecimal():
        return Unknown("there is no journal")
    lines = said.get("seen", "")
    return DoorUses(
        seen=tuple((_DOORS.get(found[1], found[1]), found[2]) for found in _LINE.finditer(lines)),
        since=float(since),
        evidence=evidence("journalctl _UID=0 -t sshd -t su -t login", lines.splitlines()),
    )
