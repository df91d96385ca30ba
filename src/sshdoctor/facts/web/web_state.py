"""The web servers and PHP-FPM as they run: processes by their program, units, and what listens.

A process is known by the file that it runs (proc(5), exe), not by what it calls itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from sshdoctor.facts.parsing.output import properties, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

_SHOWN = (
    "Id,LoadState,ActiveState,SubState,Result,MainPID,ExecMainStartTimestamp,FragmentPath,DropInPaths,"
    "ProtectHome,ProtectSystem,PrivateTmp,InaccessiblePaths,ReadOnlyPaths,TemporaryFileSystem,RootDirectory,"
    "LimitNOFILE,PIDFile"
)
COMMANDS = {
    "clock": "date +%s.%N; date +%z; cut -d' ' -f1 /proc/uptime; getconf CLK_TCK || echo 100;"
    ' echo "$((${began:-0} - ${age:-0}))"',
    "processes": r"""
ps -eo pid=,ppid=,euser:32=,args= | grep -E 'nginx|apache2|httpd|php-fpm|lighttpd|caddy' |
while read -r pid parent user args; do
  exe=$(readlink "/proc/$pid/exe") || exe='?'
  began=$(sed 's/.*) //' "/proc/$pid/stat" | cut -d' ' -f20)
  groups=$(sed -n 's/^Gid:[^0-9]*[0-9]*[^0-9]*\([0-9]*\).*/\1/p; s/^Groups://p' "/proc/$pid/status" | tr -cs 0-9 ,)
  echo "$pid $parent $user $began ${groups:-,} $exe"
done
""",
    "groups": "cut -d: -f1,3,4 /etc/group",
    "sockets": "ss -Hltnp; ss -Hlxnp",
    "units": f"""
fpm=$(systemctl list-unit-files --plain --no-legend 'php*fpm*.service' 2>/dev/null | cut -d' ' -f1)
for unit in nginx apache2 httpd lighttpd caddy $fpm; do
  systemctl show -p {_SHOWN} "$unit" 2>/dev/null; echo
done
""",
    "dropins": r"""
for file in /etc/systemd/system/*.service.d/*.conf /run/systemd/system/*.service.d/*.conf; do
  case $file in */nginx*|*/apache2*|*/httpd*|*/php*fpm*|*/caddy*|*/lighttpd*) grep -Hn . "$file" ;; esac
done 2>/dev/null
true
""",
    "words": r"""
for unit in nginx apache2 httpd; do
  systemctl is-failed --quiet "$unit" 2>/dev/null || continue
  journalctl -q -b -u "$unit" -n 30 -o cat 2>/dev/null | sed "s/^/$unit: /"
done
true
""",
    "pid_files": r"""
for file in /run/nginx.pid /run/apache2/apache2.pid /run/httpd/httpd.pid; do
  [ ! -e "$file" ] || echo "$file $(head -c 20 "$file")"
done
true
""",
    "programs": "for name in nginx apache2 httpd lighttpd caddy; do command -v $name; done; true",
}
_SERVERS = ("nginx", "apache2", "httpd", "lighttpd", "caddy")


class Process(Struct, frozen=True, kw_only=True):
    """``began`` in seconds since 1970; ``program`` is the file's name; ``groups``: those it runs with,
    by name, as far as /etc/group has them."""

    pid: int
    parent: int
    user: str
    began: float
    program: str
    groups: tuple[str, ...] = ()


class Socket(Struct, frozen=True, kw_only=True):
    """Something that listens: ``address`` and ``port``, or ``path``."""

    address: str = ""
    port: int = 0
    path: str = ""
    program: str = ""
    pid: int = 0


class WebState(Struct, frozen=True, kw_only=True):
    """``units`` by name without ``.service``; ``programs`` are those that are installed."""

    now: int
    zone: str
    dialled: int
    """When the site was first dialled, by the host's clock; 0 if that is not known."""
    processes: tuple[Process, ...]
    sockets: tuple[Socket, ...]
    units: Mapping[str, Mapping[str, str]]
    drop_ins: tuple[str, ...]
    """``file:line:text``."""
    words: tuple[str, ...]
    """The last ones of units that failed."""
    pid_files: Mapping[str, str]
    programs: tuple[str, ...]
    members: Mapping[str, tuple[str, ...]]
    """Of each group, by /etc/group."""
    evidence: tuple[Evidence, ...]

    def masters(self, *programs: str) -> list[Process]:
        """The first processes of servers."""
        own = [one for one in self.processes if one.program.startswith(programs)]
        pids = {one.pid for one in own}
        return [one for one in own if one.parent not in pids]

    def workers(self, *programs: str) -> list[Process]:
        own = [one for one in self.processes if one.program.startswith(programs)]
        pids = {one.pid for one in own}
        return [one for one in own if one.parent in pids]

    def on_port(self, port: int) -> list[Socket]:
        return [one for one in self.sockets if one.port == port]

    def drop_in(self, unit: str, *names: str) -> str:
        """``file:line:text`` of the first setting of these names."""
        for line in self.drop_ins:
            file, _, rest = line.partition(":")
            text = rest.partition(":")[2]
            if f"/{unit}.service.d/" in file and text.partition("=")[0].strip() in names:
                return line
        return ""


VALUE = WebState
WRITERS = {"": "root"}
_USERS = re.compile(r'\(\("([^"]*)",pid=(\d+)')


def parse(sections: Mapping[str, Section]) -> WebState | Unknown:
    if (cut := unseen(sections["processes"])) is not None:
        return cut
    clock = sections["clock"].output.split()
    now, up, ticks = _number(clock, 0), _number(clock, 2), _number(clock, 3) or 100
    units = [properties(block) for block in sections["units"].output.split("\n\n")]
    groups = [line.split(":") for line in sections["groups"].output.splitlines() if line.count(":") == 2]
    names = {number: name for name, number, _ in groups}
    processes = tuple(_processes(sections["processes"].output, now - up, ticks, names))
    shown = "\n".join(f"{one.program} {one.pid} ({one.user})" for one in processes[:6])
    return WebState(
        now=int(now),
        zone=clock[1] if len(clock) > 1 else "+0000",
        dialled=max(0, int(_number(clock, 4))),
        processes=processes,
        sockets=tuple(_sockets(sections["sockets"].output)),
        units={
            unit["Id"].removesuffix(".service"): unit
            for unit in units
            if unit.get("Id") and unit.get("LoadState") != "not-found"
        },
        drop_ins=tuple(sections["dropins"].output.splitlines()),
        words=tuple(sections["words"].output.splitlines()),
        pid_files={
            file: pid.strip()
            for line in sections["pid_files"].output.splitlines()
            for file, _, pid in [line.partition(" ")]
        },
        programs=tuple(line.rpartition("/")[2] for line in sections["programs"].output.splitlines()),
        members={name: tuple(listed.split(",")) for name, _, listed in groups},
        evidence=(Evidence("ps", shown),) if shown else (),
    )


def _number(words: list[str], at: int) -> float:
    try:
        return float(words[at])
    except (IndexError, ValueError):
        return 0.0


def _processes(text: str, boot: float, ticks: float, names: Mapping[str, str]) -> Iterator[Process]:
    """A worker of another user, whose program may not be seen, runs its parent's."""
    programs: dict[str, str] = {}
    for line in text.splitlines():
        fields = line.split(maxsplit=5)
        if len(fields) == 6 and fields[5] != "?":
            programs[fields[0]] = fields[5]
    for line in text.splitlines():
        fields = line.split(maxsplit=5)
        if len(fields) < 6 or not (fields[0].isdecimal() and fields[1].isdecimal() and fields[3].isdecimal()):
            continue
        path = programs.get(fields[0]) or programs.get(fields[1], "")
        program = path.removesuffix(" (deleted)").rpartition("/")[2]
        if program.startswith((*_SERVERS, "php-fpm")):
            yield Process(
                pid=int(fields[0]),
                parent=int(fields[1]),
                user=fields[2],
                began=boot + int(fields[3]) / ticks,
                program=program,
                groups=tuple(names[one] for one in fields[4].split(",") if one in names),
            )


def _sockets(text: str) -> Iterator[Socket]:
    for line in text.splitlines():
        fields = line.split()
        unix = line.startswith("u_")
        at = 4 if unix else 3
        if len(fields) <= at:
            continue
        users = _USERS.search(line)
        program, pid = (users[1], int(users[2])) if users else ("", 0)
        if unix:
            if fields[at].startswith("/"):
                yield Socket(path=fields[at], program=program, pid=pid)
            continue
        address, _, port = fields[at].rpartition(":")
        if port.isdecimal():
            yield Socket(
                address=address.strip("[]").partition("%")[0],
                port=int(port),
                program=program,
                pid=pid,
            )
