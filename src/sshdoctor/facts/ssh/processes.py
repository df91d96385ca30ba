"""The SSH server processes, read from /proc, without ps.

Sources: proc(5). A server is one by its owner and its program (services/servers.sh), and a daemon is one that
serves no single connection: sshd titles its own processes "sshd: PATH [listener] N of ..." (8.0 and later),
"sshd: user [priv]", "sshd: user [net]"; re-executed ones carry -R, inetd-style ones -i. The probe's own
`sshd -T`, which another lane may be running, is known by its environment and left out, and so are processes
of another network namespace or of an inner process namespace (a container's, seen from its host).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from sshdoctor.facts.parsing import servers
from sshdoctor.facts.parsing.output import evidence, number, parts
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.parsing.servers import Servers
from sshdoctor.facts.ssh.parsing import server_processes
from sshdoctor.model import Evidence, Unknown

_TICKS = 100
_DELETED = " (deleted)"
_PORT_OPTION = re.compile(r"\s(-[46DdeiqTt]*p\s?\d+|-o\s?Port[=\s]\s?\d+|-f\s?\S+)(?=\s|$)", re.I)
_STATES = {"T": "stopped", "t": "stopped", "D": "uninterruptible", "Z": "zombie"}
_CONNECTION = re.compile(
    r"^sshd(-session|-auth)?: (?!.*\[listener\])|^\S+ (.* )?-(R|i)\b|^sshd-(session|auth)"
)

ONCE = server_processes.ONCE
COMMANDS = {
    "proc": server_processes.KNOWN
    + """
[ -r /proc/stat ] || { echo '## none'; exit 0; }
echo '## boot'; grep btime /proc/stat
ls -l /proc/self/ns/net 2>/dev/null
echo "$server_processes"
environs=
for pid in $servers; do environs="$environs /proc/$pid/environ"; done
own="
$(grep -ls "SSHDOCTOR_RUN=$SSHDOCTOR_RUN" /dev/null $environs)
"
set --; stats='' status='' lines=''
for pid in $servers; do
  dir=/proc/$pid
  case $own in *"
$dir/environ
"*) continue ;; esac
  set -- "$@" "$dir/ns/net"
  stats="$stats $dir/stat"; status="$status $dir/status"; lines="$lines $dir/cmdline"
done
[ $# -gt 0 ] || exit 0
echo '## stat'; cat $stats 2>/dev/null
echo '## inner'; grep -sE '^NSpid:[[:space:]]*[0-9]+[[:space:]]' $status /dev/null
echo '## links'; ls -l "$@" 2>&1
echo '## commands'
tail -n +1 $lines /dev/null 2>/dev/null | tr '\\000\\001-\\011\\013-\\037\\177' ' '
home=$(getent passwd -- "${user:-root}" 2>/dev/null) home=${home%:*} home=${home##*:}
[ -n "$home" ] || home=$(
  awk -F: -v "name=${user:-root}" '$1 == name { print $6; exit }' /etc/passwd 2>/dev/null)
case $(id -u)$home in
  0/?*)
    inode() { # of a path in $lines, as $inode
      inode=${lines#*"
$1 "}
      [ "$inode" = "$lines" ] && inode='' || inode=${inode%%"
"*}
    }
    for part in home keys; do
      folder=$home; [ "$part" = home ] || folder=$home/.ssh
      [ "$part" = home ] || [ ! -L "$folder" ] || continue # a link is as its user likes
      echo "## $part"; set -- "$folder"
      for pid in $servers; do set -- "$@" "/proc/$pid/root$folder"; done
      lines="
$(stat -L -c '%n %d:%i' -- "$@" 2>/dev/null)
"
      inode "$folder"; echo "$inode"
      for pid in $servers; do inode "/proc/$pid/root$folder"; echo "$pid $inode"; done
    done ;;
esac
echo '## again'; cat $stats 2>/dev/null
true
"""
}


class Daemon(Struct, frozen=True):
    """``state`` is proc(5)'s letter; ``started`` in seconds since 1970."""

    pid: int
    exe: str
    exe_deleted: bool
    state: str
    started: float
    command: str


class Processes(Struct, frozen=True, kw_only=True):
    """``pid``, ``state``, ``exe_deleted`` and ``started`` are those of the first sshd daemon.

    ``state``: running, stopped, uninterruptible, zombie, none.
    """

    daemons: tuple[Daemon, ...]
    running: bool
    pid: int | None
    state: str
    exe_deleted: bool
    started: float | None
    other_servers: tuple[str, ...]
    sees_home: bool | Unknown
    """The daemon sees the user's home as it is, and is in no other tree of mounts that hides it."""
    sees_keys: bool | Unknown
    """The same of the folder .ssh in it, Unknown where there is none."""
    port_option: str
    """What of its own command line decides its port in place of sshd_config (-p, -o Port, -f); ""."""
    evidence: tuple[Evidence, ...]


VALUE = Processes
WRITERS = {"": "root"}


def parse(sections: Mapping[str, Section]) -> Processes | Unknown:
    said = parts(sections["proc"].output)
    if "none" in said:
        return Unknown("/proc is not mounted")
    found = servers.read(said)
    own = _own(said, found)
    titles = _titles(said.get("commands", ""))
    masters = [pid for pid in own if _name(found, pid) == "sshd" and _listens(own, own[pid], titles)]
    if found.hidden is not None and not masters:
        return found.hidden
    boot = number(said["boot"].split()[1]) or 0
    daemons = tuple(_daemon(own[pid], found.programs[pid], titles, boot) for pid in masters)
    first = daemons[0] if daemons else None
    others = [_name(found, pid) for pid in own if not _name(found, pid).startswith("sshd")]
    return Processes(
        daemons=daemons,
        running=first is not None,
        pid=first.pid if first else None,
        state=_STATES.get(first.state, "running") if first else "none",
        exe_deleted=first.exe_deleted if first else False,
        started=first.started if first else None,
        other_servers=tuple(dict.fromkeys(others)),
        sees_home=_sees_home(said.get("home", ""), first.pid) if first else Unknown("no daemon runs"),
        sees_keys=_sees_home(said.get("keys", ""), first.pid) if first else Unknown("no daemon runs"),
        port_option=_port_option(first.command) if first else "",
        evidence=evidence(
            "ps -C sshd -o pid,stat,args",
            [f"{d.pid} {d.state} {d.command}" for d in daemons] or ["no such process"],
        ),
    )


def _name(found: Servers, pid: int) -> str:
    return found.programs[pid].removesuffix(_DELETED).rpartition("/")[2]


def _own(said: Mapping[str, str], found: Servers) -> dict[int, _Stat]:
    """Those of this host that were the same process before they were looked at and after, by number."""
    before, after = _stats(said.get("stat", "")), _stats(said.get("again", ""))
    foreign = _foreign(said)
    return {
        pid: before[pid]
        for pid in sorted(found.programs)
        if pid in before
        and pid in after
        and before[pid].start_ticks == after[pid].start_ticks
        and pid not in foreign
    }


class _Stat(Struct, frozen=True):
    pid: int
    name: str
    state: str
    parent: int
    start_ticks: int


def _stats(text: str) -> dict[int, _Stat]:
    found = {}
    for line in text.splitlines():
        head, _, tail = line.rpartition(") ")
        pid, _, name = head.partition(" (")
        fields = tail.split()
        if pid.isdecimal() and len(fields) > 19:
            found[int(pid)] = _Stat(int(pid), name, fields[0], int(fields[1]), int(fields[19]))
    return found


def _foreign(said: Mapping[str, str]) -> set[int]:
    """Processes of other namespaces: by network namespace where that may be read, else by process one."""
    own = re.search(r"net:\[\d+\]", said["boot"])
    nets = dict(re.findall(r"/proc/(\d+)/ns/net -> (net:\[\d+\])", said.get("links", "")))
    inner = set(re.findall(r"^/proc/(\d+)/status:", said.get("inner", ""), re.M)) - set(nets)
    outer = {pid for pid, net in nets.items() if own and net != own[0]}
    return {int(pid) for pid in inner | outer}


def _titles(text: str) -> dict[int, str]:
    blocks = re.split(r"^==> /[a-z]+/(\d*)[a-z/]* <==$", text, flags=re.M)
    titled = zip(blocks[1::2], blocks[2::2], strict=True)
    return {int(pid): " ".join(title.split()) for pid, title in titled if pid}


def _listens(own: Mapping[int, _Stat], stat: _Stat, titles: Mapping[int, str]) -> bool:
    title = titles.get(stat.pid, "")
    if not title:  # a zombie, or one that has just begun: a child of sshd is a connection
        return stat.parent not in own
    return not _CONNECTION.search(title)


def _daemon(stat: _Stat, exe: str, titles: Mapping[int, str], boot: int) -> Daemon:
    return Daemon(
        pid=stat.pid,
        exe=exe.removesuffix(_DELETED),
        exe_deleted=exe.endswith(_DELETED),
        state=stat.state,
        started=boot + stat.start_ticks / _TICKS,
        command=titles.get(stat.pid, ""),
    )


def _sees_home(text: str, pid: int) -> bool | Unknown:
    """
    >>> _sees_home("1:7\\n90 1:7\\n91 ", 90), _sees_home("1:7\\n90 1:7\\n91 ", 91)
    (True, False)
    """
    lines = text.splitlines()
    seen = dict(line.partition(" ")[::2] for line in lines[1:])
    if not lines or not lines[0] or " " in lines[0] or str(pid) not in seen:
        return Unknown("it was not seen")
    return seen[str(pid)] == lines[0]


def _port_option(command: str) -> str:
    """The first option of sshd(8) in ``command`` that decides its port, or the file that does; "".

    >>> _port_option("sshd: /usr/sbin/sshd -D -p 2222 [listener] 0 of 10-100 startups")
    '-p 2222'
    """
    found = _PORT_OPTION.search(command)
    return found[1] if found else ""
