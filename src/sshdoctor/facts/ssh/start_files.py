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
ends='^([^#]*[|&;{]|[^#]*(then|else|do))?[[:space:]]*((exit|logout|kill)([[:space:];}]|$)|exec[[:space:]]+[^0-9<>&{])|^[[:space:]]*(set[[:space:]]+-([a-zA-Z]*[eu]|o[[:space:]]+(errexit|nounset)))'
own=$(
  set --
  for file in "$home/.ssh/rc" "$home/.bashrc" "$home/.zshenv" "$home/.bash_profile" "$home/.profile"; do
    [ ! -f "$file" ] || set -- "$@" "$file"
  done
  [ $# = 0 ] || timeout 2 grep -m 2 -anHE "$ends" "$@" 2>/dev/null || [ $? = 1 ] || echo unread
)
common=$(grep -m 2 -ansHE "$ends" /etc/ssh/sshrc /etc/bash.bashrc /etc/profile /etc/profile.d/*.sh /dev/null)
echo "$own"; echo "$common"
reads='(^|[;&|[:space:]])(\.|source)[[:space:]]+[^[:space:];&|]'
for file in "$home/.bashrc" "$home/.zshenv" /etc/bash.bashrc; do
  [ -f "$file" ] || continue
  timeout 2 head -n 60 "$file" 2>/dev/null | sed 's/^[[:space:]]*#.*//' | grep -anE "$reads" | head -n 8 |
    while IFS=: read -r number text; do
      path=$(printf '%s\n' "$text" | tr -d "\"'" |
        sed -E 's/^(.*[;&|[:space:]])?(\.|source)[[:space:]]+([^[:space:];&|]+).*/\3/')
      case $path in [~]/* | [$]HOME/* | [$]'{HOME}/'*) path=$home/${path#*/} ;; /*) ;; *) continue ;; esac
      if [ -p "$path" ] || [ -c "$path" ]; then printf 'waits %s:%s:%s\n' "$file" "$number" "$text"
      # What neither belongs to the user nor may be read by all is not looked into.
      elif [ -n "$(find -H "$path" -prune -type f \( -user "$user" -o -perm -004 \) 2>/dev/null)" ]; then
        timeout 2 grep -m 2 -anHE "$ends" "$path" 2>/dev/null
      fi
    done
done
case $shell in
  */bash) set -- /etc/bash.bashrc "$home/.bashrc" ;;
  */zsh) set -- "$home/.zshenv" ;;
  *) set -- ;;
esac
for file; do
  [ -f "$file" ] || continue
  case $own$common in *"$file:"*) ;; *) continue ;; esac
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

    ``file`` is that file, one of those that this fact itself names, or that one of these reads (``source``).
    ``at_once``: the same, where nothing that is done before it could keep a command from ending there; "".
    ``waits``: the line that reads from a pipe or a terminal, which may wait for ever; ""."""

    ending: str
    at_once: str
    waits: str
    file: str
    evidence: tuple[Evidence, ...]


VALUE = StartFiles
WRITERS = {"": "anyone", "file": "root"}
_AT_ONCE = "at once "
_WAITS = "waits "
_PLAIN = re.compile(r"/[\w./+@-]+")


_MOST = 60
"""Lines of a file that are looked at."""


def _is_early(line: str) -> bool:
    """
    >>> _is_early("/etc/profile:12:exit"), _is_early("/etc/profile:120:exit"), _is_early("nothing")
    (True, False, False)
    """
    number = line.removeprefix(_AT_ONCE).removeprefix(_WAITS).split(":", 2)[1:2]
    return line.count(":") >= 2 and number[0].isdecimal() and int(number[0][:9]) <= _MOST


def _waiting(said: list[str]) -> list[str]:
    return [line.removeprefix(_WAITS) for line in said if line.startswith(_WAITS)]


def parse(sections: Mapping[str, Section]) -> StartFiles | Unknown:
    if "unread" in sections["lines"].output.splitlines():
        return Unknown("the start files of its user may not be read, or not in time")
    said = [line[:200] for line in sections["lines"].output.splitlines() if _is_early(line)]
    lines = [line for line in said if not line.startswith((_AT_ONCE, _WAITS))]
    ending = lines[0] if lines else ""
    file = ending.partition(":")[0]
    return StartFiles(
        ending=ending,
        at_once=next((line.removeprefix(_AT_ONCE) for line in said if line.startswith(_AT_ONCE)), ""),
        waits=next(iter(_waiting(said)), ""),
        file=file if _PLAIN.fullmatch(file) else "that file",
        evidence=evidence("grep -n exit ~/.bashrc ~/.profile", [*lines[:6], *_waiting(said)]),
    )
