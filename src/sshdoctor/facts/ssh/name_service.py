"""Whether the name service finds root, and the user as which sshd's unprivileged half runs.

Sources: getent(1) (exit status 2: not found), nsswitch.conf(5), passwd(5); sshd.c (no user, no start).
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from sshdoctor.facts.parsing.output import evidence, properties
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

COMMANDS = {
    "lookups": """
if command -v getent >/dev/null; then
  timeout 5 getent passwd root >/dev/null 2>&1; echo "root=$?"
  timeout 5 getent passwd sshd >/dev/null 2>&1; echo "server=$?"
else
  grep -q '^root:' /etc/passwd; echo "root=$?"
  grep -q '^sshd:' /etc/passwd; echo "server=$?"
fi
echo "passwd=$(grep -m 1 '^passwd:' /etc/nsswitch.conf 2>/dev/null)"
"""
}

_STATES = {"0": "present", "1": "absent", "2": "absent"}


class NameService(Struct, frozen=True, kw_only=True):
    """``root`` and ``server_user``: present, or absent; ``passwd`` is the line of nsswitch.conf."""

    root: str | Unknown
    server_user: str | Unknown
    passwd: str
    evidence: tuple[Evidence, ...]


VALUE = NameService
WRITERS = {"": "root"}


def parse(sections: Mapping[str, Section]) -> NameService | Unknown:
    said = properties(sections["lookups"].output)
    return NameService(
        root=_state(said.get("root", "")),
        server_user=_state(said.get("server", "")),
        passwd=said.get("passwd", ""),
        evidence=evidence(
            "getent passwd root sshd; grep passwd /etc/nsswitch.conf",
            [f"root: {said.get('root')}", f"sshd: {said.get('server')}", said.get("passwd", "")],
        ),
    )


def _state(status: str) -> str | Unknown:
    return _STATES.get(status, Unknown("the name service did not answer in time"))
