"""Which processes are SSH servers: the one rule for every fact that looks for one.

Anybody may call a program sshd, and write what he likes into its arguments. A server is one by its owner
and by its program: root runs it (its real user id, which a set-user-id program leaves as it was: proc(5),
status), and the program's file (proc(5), exe) bears a server's name, and is, with every folder on its way,
root's alone to write. Of anything else nothing goes into the probe's output.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from sshdoctor.model import Unknown

NAMES = ("sshd", "dropbear", "tinysshd", "lsh-server", "lshd", "wolfsshd")
"""With what may follow: sshd-session, dropbearmulti."""

_ANY = "|".join(NAMES)
_CASES = " | ".join(f"*/{name}*" for name in NAMES)

FIND = f"""
# trusted FILE: it and every folder on its way are root's, and nobody else can put another in its place.
trusted() {{
  case $known in *"|$1|"*) return 0 ;; esac
  way=${{1%/*}}; set -- "$1"
  while [ -n "$way" ]; do set -- "$@" "$way"; way=${{way%/*}}; done
  for mode in $(stat -L -c '%u:%a' "$@" /); do
    case $mode in
      0:1???) ;;
      0:*[2367]? | 0:*[2367]) return 1 ;;
      0:*) ;;
      *) return 1 ;;
    esac
  done
  [ -n "${{mode-}}" ] && known="$known|$1|"
}}
# find_servers: their numbers as $servers.
find_servers() {{
  known='' servers='' programs='' unseen='' here=''
  [ -r /proc/1/comm ] || echo '## hidden'
  named=$(grep -lsE '^({_ANY})' /proc/[0-9]*/comm | sed 's/comm$/status/')
  [ -n "$named" ] || return 0
  sshd=$(command -v sshd) && here=$(readlink -f "$sshd")
  for file in $(grep -lsE '^Uid:[[:space:]]+0[[:space:]]+0[[:space:]]' $named /dev/null); do
    pid=${{file#/proc/}} pid=${{pid%/status}}
    if [ -n "$here" ] && [ "/proc/$pid/exe" -ef "$here" ]; then exe=$here
    else exe=$(readlink "/proc/$pid/exe")
    fi 2>/dev/null
    case $exe in
      '')
        {{ read -r stat <"/proc/$pid/stat"; }} 2>/dev/null || continue
        case ${{stat##*) }} in [ZX]*) ;; *) unseen=yes ;; esac # who is dead runs no program
        continue ;;
      *[!A-Za-z0-9/._+@:,\\ \\(\\)-]*) continue ;;
      {_CASES}) ;;
      *) continue ;;
    esac
    case $exe in *' (deleted)') file=${{exe%/*}}/ ;; *) file=$exe ;; esac
    trusted "$file" 2>/dev/null || continue
    servers="$servers $pid" programs="$programs$pid $exe
"
  done
  echo '## servers'; printf %s "$programs"
  [ -z "$unseen" ] || echo '## unseen'
}}
"""
"""Shell functions; ``find_servers`` prints the parts ``servers``, ``unseen``, ``hidden`` of an output."""


class Servers(Struct, frozen=True):
    """The programs of those that there are, by process id; ``hidden`` says why there may be others."""

    programs: Mapping[int, str]
    hidden: Unknown | None

    @property
    def there_are_none(self) -> bool:
        """None at all, as is known for certain."""
        return not self.programs and self.hidden is None


def read(said: Mapping[str, str]) -> Servers:
    """What ``find_servers`` printed."""
    rows = [line.partition(" ") for line in said.get("servers", "").splitlines()]
    programs = {int(pid): exe for pid, _, exe in rows if pid.isdecimal()}
    if "hidden" in said:
        return Servers(programs, Unknown("not permitted to see other users' processes"))
    if "unseen" in said:
        return Servers(programs, Unknown("not permitted to see which program a process runs"))
    return Servers(programs, None)
