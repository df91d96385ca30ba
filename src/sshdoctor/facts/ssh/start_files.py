"""The files that a login reads before a command runs, as far as they end or leave the shell.

Sources: bash(1), INVOCATION (a shell that sshd starts reads ~/.bashrc); sshd(8), LOGIN PROCESS (sshrc). They
are the user's own: what stands there is shown, and proves nothing about anybody else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from sshdoctor.facts.parsing.output import evidence
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

COMMANDS = {
    "lines": r"""
[ -n "$user" ] || exit 0
entry=$(getent passwd -- "$user" 2>/dev/null)
shell=${entry##*:} home=${entry%:*} home=${home##*:}
[ -n "$home" ] || exit 0
for file in "$home/.ssh/rc" /etc/ssh/sshrc /etc/bash.bashrc "$home/.bashrc" "$home/.zshenv" \
  "$home/.bash_profile" "$home/.profile" /etc/profile /etc/profile.d/*.sh; do
  [ -f "$file" ] || continue
  timeout 2 head -n 60 "$file" 2>/dev/null | grep -nE '^[[:space:]]*(exit|exec|logout|kill)([[:space:];]|$)' |
    head -n 2 | sed "s|^|$file:|"
done
case $shell in
  */bash) set -- /etc/bash.bashrc "$home/.bashrc" ;;
  */zsh) set -- "$home/.zshenv" ;;
  *) set -- ;;
esac
for file; do
  [ -f "$file" ] || continue
  first=$(timeout 2 head -n 60 "$file" 2>/dev/null |
    grep -nvE '^[[:space:]]*(#|$|(export |alias |umask )[^(`;&|]*$)' |
    head -n 1 | grep -E '^[0-9]+:exit( +[0-9]+)?[[:space:]]*(;.*)?$')
  [ -z "$first" ] || { echo "at once $file:$first"; break; }
done
true
"""
}


class StartFiles(Struct, frozen=True, kw_only=True):
    """``ending``: the first line at which such a file ends the shell, as FILE:LINE:TEXT; or "".

    ``file`` is that file, one of those that this fact itself names. ``at_once``: the same, where nothing
    that is done before it could keep a command from ending there; ""."""

    ending: str
    at_once: str
    file: str
    evidence: tuple[Evidence, ...]


VALUE = StartFiles
WRITERS = {"": "anyone", "file": "root"}
_AT_ONCE = "at once "
_PLAIN = re.compile(r"/[\w./+@-]+")


def parse(sections: Mapping[str, Section]) -> StartFiles | Unknown:
    said = [line[:200] for line in sections["lines"].output.splitlines() if line.count(":") >= 2]
    lines = [line for line in said if not line.startswith(_AT_ONCE)]
    ending = lines[0] if lines else ""
    file = ending.partition(":")[0]
    return StartFiles(
        ending=ending,
        at_once=next((line.removeprefix(_AT_ONCE) for line in said if line.startswith(_AT_ONCE)), ""),
        file=file if _PLAIN.fullmatch(file) else "that file",
        evidence=evidence("grep -n exit ~/.bashrc ~/.profile", lines[:6]),
    )
