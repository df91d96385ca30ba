"""Whether fail2ban holds this client's address in one of its jails, and who else is banned.

Sources: fail2ban-client(1), ``banned`` (since 0.11.2) and ``get JAIL banip --with-time``. Only root may ask
the server, and only a server that runs is asked: its socket is there. Measured: 65 ms a question. A ban may
be of a network: it is lifted by the element that was banned, not by an address in it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from ipaddress import ip_address, ip_network

from msgspec import Struct

from sshdoctor.facts.parsing.fail2ban import SOCKET
from sshdoctor.facts.parsing.output import NOT_PERMITTED, denied, evidence, parts, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.parsing.words import plain_name
from sshdoctor.model import Command, Evidence, Unknown

COMMANDS = {
    "fail2ban": SOCKET
    + """
[ -S "$socket" ] && command -v fail2ban-client >/dev/null || exit 0
set -f
echo '## asked'; echo "$client"
echo '## banned'
banned=$(fail2ban-client banned 2>&1); status=$?
echo "$banned" | head -c 200000
[ $status = 0 ] || exit 0
echo '## jails'
held=$(echo "$banned" | tr '{}' '\\n\\n' | grep -F -e "'$client'" -e / | sed "s/^'\\([^']*\\)'.*/\\1/")
for jail in $held; do
  fail2ban-client get "$jail" banip --with-time 2>&1 | grep -F -e "$client " -e / | sed "s|^|$jail |"
done
true
"""
}


class Jail(Struct, frozen=True):
    """A jail that holds the client; times are the host's, "" where the server did not say.

    ``element`` is what it holds: the client's address, or a network with it; "" where that is not known.
    """

    name: str
    since: str
    until: str
    element: str = ""


class Bans(Struct, frozen=True, kw_only=True):
    """``running``: fail2ban's server is there. ``jails``: those that hold this client's own address, or a
    network with it; ``names`` are theirs, ``unban`` the commands that lift these bans. ``banned`` are the
    elements of every jail, by its name."""

    running: bool
    jails: tuple[Jail, ...] | Unknown
    evidence: tuple[Evidence, ...]
    names: str = ""
    unban: Command = Command("")
    banned: Mapping[str, tuple[str, ...]] = {}


def unban_command(jail: str, element: str) -> str:
    """
    >>> unban_command("sshd", "192.0.2.0/24")
    'fail2ban-client set sshd unbanip 192.0.2.0/24'
    """
    return f"fail2ban-client set {shlex.quote(jail)} unbanip {shlex.quote(element)}"


VALUE = Bans
WRITERS = {"": "root"}
_TIMES = re.compile(r"^(\S+) (\S+)\s+(\d{4}-\d\d-\d\d [\d:]{8}) \+ -?\d+ = (\d{4}-\d\d-\d\d [\d:]{8})$")


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
    client = said.get("asked", "").strip()
    lines = [line for line in said["jails"].splitlines() if line.strip() and _is_of(line, client)]
    jails = tuple(_jail(line) for line in lines)
    return Bans(
        running=True,
        jails=jails,
        names=", ".join(jail.name for jail in jails),
        unban=Command(" && ".join(unban_command(jail.name, jail.element) for jail in jails)),
        evidence=evidence("fail2ban-client get JAIL banip --with-time", lines),
        banned=dict(_banned(said["banned"])),
    )


def _banned(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """
    >>> dict(_banned("[{'sshd': ['192.0.2.1', '198.51.100.0/24']}, {'nginx': []}]"))
    {'sshd': ('192.0.2.1', '198.51.100.0/24'), 'nginx': ()}
    """
    for name, elements in re.findall(r"'([^']+)': \[([^\[\]]*)\]", text):
        yield name, tuple(re.findall(r"'([^']+)'", elements))


def _is_of(line: str, client: str) -> bool:
    """Whether what the jail holds is the client, or a network with it."""
    element = line.split()[1] if len(line.split()) > 1 else ""
    try:
        return ip_address(client) in ip_network(element, strict=False)
    except ValueError:
        return not client or element == client or not element


def _jail(line: str) -> Jail:
    """A ban for ever has the year 9999 as its end.

    >>> _jail("sshd 192.0.2.1 \\t2026-11-22 10:20:46 + 600 = 2026-11-22 10:30:46").until
    '2026-11-22 10:30:46'
    """
    times = _TIMES.match(line)
    words = line.split()
    element = _element(words[1]) if len(words) > 1 else ""
    name = plain_name(words[0])
    return Jail(name, times[3], times[4], element) if times else Jail(name, "", "", element)


def _element(text: str) -> str:
    """An address or a network, in the spelling that it has. Raises ValueError."""
    ip_network(text, strict=False)
    return text
