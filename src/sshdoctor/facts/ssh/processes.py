"""The SSH server processes, read from /proc, without ps.

Sources: proc(5). A daemon is a process named sshd (or another SSH server's name) that serves no single
connection: sshd titles its own processes "sshd: PATH [listener] N of ..." (8.0 and later), "sshd: user
[priv]", "sshd: user [net]"; re-executed ones carry -R, inetd-style ones -i. The probe's own `sshd -T`, which
another lane may be running, is known by its environment and left out, and so are processes of another
network namespace or of an inner process namespace (a container's, seen from its host).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from sshdoctor.facts.parsing.output import evidence, number, parts
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown
from sshdoctor.services.ssh.programs import OTHER_SERVERS

_TICKS = 100
_MASTERS = "sshd"
_STATES = {"T": "stopped", "t": "stopped", "D": "uninterruptible", "Z": "zombie"}
_CONNECTION = re.compile(
    r"^sshd(-session|-auth)?: (?!.*\[listener\])|^\S+ (.* )?-(R|i)\b|^sshd-(session|auth)"
)

COMMANDS = {
    "proc": """
[ -r /proc/stat ] || { echo '## none'; exit 0; }
echo '## boot'; grep btime /proc/stat
ls -l /proc/self/ns/net 2>/dev/null
set --; stats=; status=; lines=
servers=$(grep -lsE '^(sshd|dropbear|tinysshd|lsh-server|wolfsshd)' /proc/[0-9]*/comm)
environs=$(echo "$servers" | sed 's/comm$/environ/')
own=" $(grep -ls "SSHDOCTOR_RUN=$SSHDOCTOR_RUN" /dev/null $environs | tr '\\n' ' ')"
for comm in $servers; do
  dir=${comm%/comm}
  case $own in *" $dir/environ "*) continue ;; esac
  set -- "$@" "$dir/exe" "$dir/ns/net"; stats="$stats $dir/stat"; status="$status $dir/status"
  lines="$lines $dir/cmdline"
done
[ -r /proc/1/comm ] || echo '## hidden'
[ $# -gt 0 ] || exit 0
echo '## stat'; cat $stats 2>/dev/null
echo '## inner'; grep -sE '^NSpid:[[:space:]]*[0-9]+[[:space:]]' $status /dev/null
echo '## links'; ls -l "$@" 2>&1
echo '## commands'; tail -n +1 $lines /dev/null 2>/dev/null | tr '\\0' ' '
true
"""
}


class Daemon(Struct, frozen=True):
    """``state`` is proc(5)'s letter; ``started`` in seconds since 1970."""

    pid: int
    exe: str | Unknown
    exe_deleted: bool | Unknown
    state: str
    started: float
    command: str


class Processes(Struct, frozen=True, kw_only=True):
    """``pid``, ``state``, ``exe_deleted`` and ``started`` are those of the first sshd daemon.

    ``state``: running, stopped, uninterruptible, zombie, none. ``connections`` is the number of
    unauthenticated connections that sshd holds, None where no sshd runs.
    """

    daemons: tuple[Daemon, ...]
    running: bool
    pid: int | None
    state: str
    exe_deleted: bool | Unknown
    started: float | None
    other_servers: tuple[str, ...]
    connections: int | None
    evidence: tuple[Evidence, ...]


VALUE = Processes


def parse(sections: Mapping[str, Section]) -> Processes | Unknown:
    said = parts(sections["proc"].output)
    if "none" in said:
        return Unknown("/proc is not mounted")
    stats = _stats(said.get("stat", ""))
    foreign = _foreign(said)
    titles = _titles(said.get("commands", ""))
    own = {pid: stat for pid, stat in stats.items() if pid not in foreign}
    masters = [pid for pid, stat in own.items() if stat.name == _MASTERS and _listens(own, stat, titles)]
    boot = number(said["boot"].split()[1]) or 0
    if "hidden" in said and not masters:
        return Unknown("not permitted to see other users' processes")
    daemons = tuple(_daemon(own[pid], said.get("links", ""), titles, boot) for pid in masters)
    first = daemons[0] if daemons else None
    return Processes(
        daemons=daemons,
        running=first is not None,
        pid=first.pid if first else None,
        state=_STATES.get(first.state, "running") if first else "none",
        exe_deleted=first.exe_deleted if first else False,
        started=first.started if first else None,
        other_servers=tuple(dict.fromkeys(stat.name for stat in own.values() if stat.name in OTHER_SERVERS)),
        connections=_connections(first, own, titles) if first else None,
        evidence=evidence(
            "ps -C sshd -o pid,stat,args",
            [f"{d.pid} {d.state} {d.command}" for d in daemons] or ["no such process"],
        ),
    )


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
    blocks = re.split(r"^==> \D+(\d*)\D+ <==$", text, flags=re.M)
    titled = zip(blocks[1::2], blocks[2::2], strict=True)
    return {int(pid): " ".join(title.split()) for pid, title in titled if pid}


def _listens(own: Mapping[int, _Stat], stat: _Stat, titles: Mapping[int, str]) -> bool:
    title = titles.get(stat.pid, "")
    if not title:  # a zombie, or one that has just begun: a child of sshd is a connection
        return stat.parent not in own
    return not _CONNECTION.search(title)


def _daemon(stat: _Stat, links: str, titles: Mapping[int, str], boot: int) -> Daemon:
    found = re.search(rf"/proc/{stat.pid}/exe -> (.*?)( \(deleted\))?$", links, re.M)
    unknown = Unknown("not permitted")
    return Daemon(
        pid=stat.pid,
        exe=found[1] if found else unknown,
        exe_deleted=bool(found[2]) if found else unknown,
        state=stat.state,
        started=boot + stat.start_ticks / _TICKS,
        command=titles.get(stat.pid, ""),
    )


def _connections(first: Daemon, own: Mapping[int, _Stat], titles: Mapping[int, str]) -> int:
    """sshd counts them in its title; an older one is counted by its unprivileged children."""
    counted = re.search(r"\[listener\] (\d+) of ", first.command)
    if counted:
        return int(counted[1])
    return sum(bool(re.search(r": .*\[(net|accepted)\]", titles.get(pid, ""))) for pid in own)
