"""The TCP wrappers' rules, where sshd asks them: /etc/hosts.allow, then /etc/hosts.deny.

Sources: hosts_access(5), hosts_options(5). sshd asks them if it, or since OpenSSH 9.8 its sshd-session, is
linked with libwrap: Debian's are (11, 12 and 13 measured), those of Fedora, Arch and upstream are not. The
rules are cut up as libwrap 7.6.q does it (measured): a comment has its # in the first column, a backslash
joins lines, the last line needs no newline, colons in [brackets] belong to an address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from sshdoctor.facts.offline.accounts_and_paths import printed, quoted
from sshdoctor.facts.parsing.output import NOT_PERMITTED, evidence, parts, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.ssh.offline.programs import SESSIONS, program
from sshdoctor.model import Evidence, Unknown

if TYPE_CHECKING:
    from sshdoctor.disk import Disk

COMMANDS = {
    "rules": """
sshd=$(command -v sshd) || exit 0
echo '## linked'
linked=
for file in "$sshd" /usr/lib/openssh/sshd-session /usr/libexec/openssh/sshd-session \\
  /usr/libexec/sshd-session /usr/lib/ssh/sshd-session; do
  [ ! -e "$file" ] || ! grep -qF libwrap.so "$file" || linked=$file
done
[ -n "$linked" ] || exit 0
echo "$linked"
for file in /etc/hosts.allow /etc/hosts.deny; do
  [ -e "$file" ] || continue
  echo "## $file"
  if [ -r "$file" ]; then sed 's/^/|/' "$file"; echo; else echo 'not permitted'; fi
done
true
"""
}


class WrapperRule(Struct, frozen=True):
    """One rule; ``line`` is its first, counted from 1. The lists are words, EXCEPT among them."""

    file: str
    line: int
    text: str
    daemons: tuple[str, ...]
    clients: tuple[str, ...]
    options: tuple[str, ...]


class Wrappers(Struct, frozen=True, kw_only=True):
    """``linked``: sshd asks them at all. The rules stand in the order of their file."""

    linked: bool | Unknown
    allow: tuple[WrapperRule, ...] | Unknown
    deny: tuple[WrapperRule, ...] | Unknown
    evidence: tuple[Evidence, ...]


VALUE = Wrappers
WRITERS = {"": "root"}
_FILES = ("/etc/hosts.allow", "/etc/hosts.deny")
_MARK = re.compile(r"(?<!\\):|[\[\]]")


def on_disk(disk: Disk, user: str) -> Wrappers | Unknown:
    programs = [path for path in (program(disk), *SESSIONS) if path and disk.is_program(path)]
    linked = [path for path in programs if b"libwrap.so" in disk.read_program(path)]
    said = ["## linked", *linked[-1:]]
    for file in _FILES if linked else ():
        if disk.is_there(file):
            text = disk.text_if_any(file)
            said += [f"## {file}", "not permitted" if text is None else quoted(text)]
    return parse({"rules": printed("\n".join(said) if programs else "")})


def parse(sections: Mapping[str, Section]) -> Wrappers | Unknown:
    if cut := unseen(sections["rules"]):
        return cut
    said = parts(sections["rules"].output)
    linked = said.get("linked", "").strip()
    allow, deny = (_rules(path, said.get(path, "")) for path in _FILES)
    return Wrappers(
        linked=bool(linked),
        allow=allow,
        deny=deny,
        evidence=evidence(f"grep -c libwrap.so {linked}", [linked and "1"]),
    )


def _rules(path: str, text: str) -> tuple[WrapperRule, ...] | Unknown:
    if text.startswith("not permitted"):
        return NOT_PERMITTED
    return tuple(rule for number, line in _joined(text) if (rule := _rule(path, number, line)))


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """Each line with those that a backslash at its end joins to it, and the number of its first."""
    begun: tuple[int, str] | None = None
    lines = [raw[1:] for raw in text.splitlines() if raw.startswith("|")]
    for number, own in enumerate(lines, 1):
        first, before = begun or (number, "")
        line = before + own
        begun = (first, line[:-1]) if line.endswith("\\") else None
        if begun is None:
            yield first, line
    if begun:
        yield begun


def _rule(path: str, number: int, line: str) -> WrapperRule | None:
    """A line without a colon is no rule: libwrap warns of it and goes on."""
    if line.startswith("#") or not line.strip():
        return None
    daemons, *rest = _fields(line)
    if not rest:
        return None
    options = tuple(option.strip().replace("\\:", ":") for option in rest[1:])
    return WrapperRule(path, number, line.strip(), _words(daemons), _words(rest[0]), options)


def _fields(line: str) -> list[str]:
    """What stands between the colons; one inside of brackets, or behind a backslash, divides nothing.

    >>> _fields("sshd: [::1] : deny")
    ['sshd', ' [::1] ', ' deny']
    """
    fields, end, inside = list[str](), len(line), False
    for mark in reversed([*_MARK.finditer(line)]):
        if mark[0] != ":":
            inside = mark[0] == "]"
        elif not inside:
            fields.append(line[mark.end() : end])
            end = mark.start()
    return [line[:end], *reversed(fields)]


def _words(text: str) -> tuple[str, ...]:
    """
    >>> _words(" sshd, vsftpd EXCEPT x ")
    ('sshd', 'vsftpd', 'EXCEPT', 'x')
    """
    return tuple(word for word in re.split(r"[,\s]+", text) if word)
