"""The rules that pam_access and pam_limits read before a session, and the stacks that ask them.

Sources: access.conf(5), limits.conf(5), pam.d(5). Where these files have no rule the stacks are not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from sshdoctor.facts.parsing import pam
from sshdoctor.facts.parsing.output import evidence, parts
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

COMMANDS = {
    "rules": r"""
access=$(grep -hE '^[[:space:]]*[-+]' /etc/security/access.conf /etc/security/access.d/*.conf 2>/dev/null)
limits=$(grep -hE '^[^#]*([[:space:]]max(sys)?logins[[:space:]]|[[:space:]]-[[:space:]]*$)' \
  /etc/security/limits.conf /etc/security/limits.d/*.conf 2>/dev/null)
echo '## access'; printf '%s\n' "$access"
echo '## limits'; printf '%s\n' "$limits"
[ -n "$access$limits" ] || exit 0
for file in /usr/lib/pam.d/* /etc/pam.d/*; do
  case $file in /usr/*) [ ! -r "/etc/pam.d/${file##*/}" ] || continue ;; esac
  [ -r "$file" ] || continue
  echo "## pam ${file##*/}"; grep -E '^[^#]*(account|session|include|substack)' "$file"
done
true
"""
}


class PamRules(Struct, frozen=True, kw_only=True):
    """``access`` are the lines of access.conf in order, () where sshd's account stage does not ask them,
    or may be past them; ``limits`` those of limits.conf about logins, () where its session stage reads none.
    ``groups_in_brackets``: only so does a line mean a group."""

    access: tuple[str, ...]
    limits: tuple[str, ...]
    groups_in_brackets: bool
    evidence: tuple[Evidence, ...]


VALUE = PamRules
WRITERS = {"": "root"}
_ELSEWHERE = ("accessfile=", "fieldsep=", "listsep=", "conf=")


def parse(sections: Mapping[str, Section]) -> PamRules | Unknown:
    said = parts(sections["rules"].output)
    if "access" not in said or "limits" not in said:
        return Unknown("its output is not there")
    services = {name[4:]: text for name, text in said.items() if name.startswith("pam ")}
    service = "sshd" if "sshd" in services else "other"
    asked = _arguments(services, service, "account", "pam_access.so")
    limited = _arguments(services, service, "session", "pam_limits.so")
    access, limits = (_lines(said[name]) for name in ("access", "limits"))
    return PamRules(
        access=access if asked is not None else (),
        limits=limits if limited is not None else (),
        groups_in_brackets="nodefgroup" in (asked or ()),
        evidence=evidence(
            "grep -v '^#' /etc/security/access.conf /etc/security/limits.conf", [*access[:6], *limits[:6]]
        ),
    )


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _arguments(services: Mapping[str, str], service: str, phase: str, module: str) -> Sequence[str] | None:
    """Of the module's line; None where there is none, where another module may end the stage before, or where
    it reads other files."""
    whole = "\n".join(services.values())
    if any(line.split()[:2] == [phase, "sufficient"] for line in whole.splitlines()):
        return None
    found = [words for name, words in pam.entries(services, service, phase) if name == module]
    plain = found and not any(word.startswith(_ELSEWHERE) for words in found for word in words)
    return found[0] if plain else None
