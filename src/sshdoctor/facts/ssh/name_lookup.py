"""Whether sshd looks up the client's name, and how long its name servers take for that.

Sources: sshd_config(5) UseDNS, GSSAPIAuthentication; resolv.conf(5): a server that does not answer costs 5 s,
twice. The lookup is made as sshd makes it (getnameinfo, here by getent(1)), and only where a file says so.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from sshdoctor.facts.parsing.output import evidence, number, parts, properties, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

COMMANDS = {
    "reverse": """
words='^[[:space:]]*(UseDNS|GSSAPIAuthentication)[[:space:]=]+"?[Yy][Ee][Ss]'
found=$(grep -sHiE "$words" /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf)
echo '## files'; echo "$found"
[ -n "$found" ] && [ -n "$client" ] && command -v getent >/dev/null || exit 0
began=$(date +%s)
timeout 8 getent hosts "$client" >/dev/null 2>&1
echo '## took'; echo "seconds=$(( $(date +%s) - began ))"
echo '## servers'; grep -s '^nameserver' /etc/resolv.conf
true
"""
}


class NameLookup(Struct, frozen=True, kw_only=True):
    """``asked``: a file of sshd's has it look up names. ``slow``: a lookup of this client took 5 s or more,
    as long as a name server is waited for; ``seconds`` is how long, or the time after which it was given
    up."""

    asked: bool
    slow: bool | Unknown
    seconds: int | None
    evidence: tuple[Evidence, ...]


VALUE = NameLookup
WRITERS = {"": "root"}
_WAIT = 5
"""Seconds for which a name server is waited for (resolv.conf(5), timeout)."""


def parse(sections: Mapping[str, Section]) -> NameLookup | Unknown:
    section = sections["reverse"]
    if (cut := unseen(section)) is not None:
        return cut
    said = parts(section.output)
    if "files" not in said:
        return Unknown("its command printed nothing")
    lines = [line for line in said["files"].splitlines() if line]
    seconds = number(properties(said.get("took", "")).get("seconds"))
    slow: bool | Unknown = Unknown("no name was looked up") if seconds is None else seconds >= _WAIT
    return NameLookup(
        asked=bool(lines),
        slow=slow if lines else False,
        seconds=seconds,
        evidence=evidence("grep -i UseDNS /etc/ssh/sshd_config*", lines)
        + evidence("time getent hosts CLIENT; cat /etc/resolv.conf", _took(seconds, said.get("servers", ""))),
    )


def _took(seconds: int | None, servers: str) -> list[str]:
    return [] if seconds is None else [f"{seconds} s", *servers.splitlines()]
