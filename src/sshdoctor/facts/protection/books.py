"""Whom each engine of this host holds banned, for how many seconds more, and whom it lets pass.

What is asked is whom the host itself has banned: what other hosts have told it stands in no engine's book.
Sources: fail2ban-client(1), ``get JAIL banip --with-time``; sshguard's own lines; ``cscli decisions list``,
which leaves out what came from CrowdSec's central list.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from sshdoctor.facts.parsing.output import number, parts, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

_ASKED = Path(__file__).with_name("books_asked.txt").read_text(encoding="utf-8")
COMMANDS = {
    "jails": f"""
command -v fail2ban-client >/dev/null || exit 0
[ -S /run/fail2ban/fail2ban.sock ] || {{ echo '## stopped'; exit 0; }}
python=$(sed -n '1s/^#! *//p' "$(command -v fail2ban-client)" | cut -d ' ' -f 1)
echo '## jails'
"${{python:-python3}}" -I -c {shlex.quote(_ASKED)} 2>&1 | tail -n 1 | head -c 4000000
true
""",
    "blocks": r"""
echo '## sshguard'
if command -v sshguard >/dev/null && systemctl is-active -q sshguard 2>/dev/null; then
  run=$(systemctl show --property=InvocationID --value sshguard.service)
  journalctl -q -o short-unix _SYSTEMD_INVOCATION_ID="$run" _UID=0 2>/dev/null |
    sed -n 's/^\([0-9]*\)[.0-9]* .* Blocking "\([0-9a-fA-F.:]*\)\/[0-9]*" for \([0-9]*\) secs .*/\1 \2 \3/p' |
    awk -v now="$(date +%s)" '{ ends[$2] = $1 + $3 }
      END { for (each in ends) if (ends[each] > now) print each, ends[each] - now }' |
    sort -k 2,2nr | head -n 2000
fi
echo '## passes'
lists=$(sed -n 's/^WHITELIST_FILE=//p' /etc/sshguard/sshguard.conf 2>/dev/null | tr -d '\042\047')
cat $lists /dev/null 2>/dev/null | grep -v -e '^#' -e '^$'
true
""",
    "decisions": r"""
command -v cscli >/dev/null && [ "$(systemctl is-active crowdsec 2>/dev/null)" = active ] || exit 0
echo '## decisions'; cscli decisions list --limit 0 -o json 2>/dev/null
echo; echo '## passes'
grep -RhE '^ *- *"?[0-9a-fA-F.:/]+"? *$|^ *(ip|cidr): *[[]' /etc/crowdsec/parsers/s02-enrich 2>/dev/null
true
""",
}


class Held(Struct, frozen=True):
    """One ban: an address or a network, as it stands there, the seconds that are left, and what it guards:
    a jail's name and ports, an engine's reason."""

    element: str
    seconds: int
    guards: str


class Books(Struct, frozen=True, kw_only=True):
    """``passes``: whom any engine never bans, names resolved on the host. ``untold``: why that cannot be
    known in full, "" if it is."""

    bans: tuple[Held, ...]
    passes: tuple[str, ...]
    untold: str = ""
    evidence: tuple[Evidence, ...] = ()


VALUE = Books
WRITERS = {"": "root"}
_DURATION = re.compile(r"(\d{1,9})(?:\.\d{1,9})?(ms|h|m|s)")
_SECONDS = {"h": 3600, "m": 60, "s": 1, "ms": 0}


class _Jail(Struct, frozen=True):
    name: str
    ports: tuple[str, ...]
    passes: tuple[str, ...]
    asks: bool
    bans: tuple[tuple[str, int], ...]


def parse(sections: Mapping[str, Section]) -> Books | Unknown:
    for name in COMMANDS:
        if (cut := unseen(sections[name])) is not None:
            return cut
    jails, untold = _jails(parts(sections["jails"].output))
    blocks, decided = parts(sections["blocks"].output), parts(sections["decisions"].output)
    held = [Held(element, left, f"{j.name} {' '.join(j.ports)}") for j in jails for element, left in j.bans]
    held += _blocked(blocks.get("sshguard", ""))
    held += _decided(decided.get("decisions", ""))
    passes = [each for jail in jails for each in jail.passes]
    passes += blocks.get("passes", "").split()
    passes += re.findall(r"[\da-fA-F.:/]{3,}", decided.get("passes", ""))
    return Books(bans=tuple(held), passes=tuple(dict.fromkeys(passes)), untold=untold)


def _jails(said: Mapping[str, str]) -> tuple[tuple[_Jail, ...], str]:
    if "stopped" in said:
        return (), "fail2ban is stopped, so whom it lets pass is not told"
    if "jails" not in said:
        return (), ""
    try:
        jails = msgspec.json.decode(said["jails"].strip(), type=tuple[_Jail, ...])
    except msgspec.DecodeError:
        return (), "fail2ban's server does not answer as it is asked"
    asking = next((jail.name for jail in jails if jail.asks), "")
    return jails, "an ignorecommand decides whom a jail lets pass" if asking else ""


def _blocked(text: str) -> Iterator[Held]:
    for line in text.splitlines():
        element, _, left = line.partition(" ")
        yield Held(element, number(left) or 0, "ssh")


def _decided(text: str) -> Iterator[Held]:
    """Newer versions list decisions under their alerts."""
    try:
        found = json.loads(text.strip() or "[]")
    except (ValueError, RecursionError):
        return
    for each in found if isinstance(found, list) else ():
        inner = each.get("decisions") if isinstance(each, dict) else None
        for one in inner if isinstance(inner, list) else [each]:
            if isinstance(one, dict) and one.get("type", "ban") == "ban" and not one.get("simulated"):
                yield Held(str(one.get("value")), _seconds(one.get("duration")), str(one.get("scenario")))


def _seconds(duration: Any) -> int:
    """
    >>> _seconds("3h59m30.5s"), _seconds(None)
    (14370, 0)
    """
    return sum(int(size) * _SECONDS[unit] for size, unit in _DURATION.findall(str(duration)))
