"""Every process: its program, who runs it, since when, in which unit, beside what it calls itself.

Sources: proc(5); cgroups(7). ``exe``, the cgroup, the parent, the user and the start are the kernel's; the
arguments and the name are whatever the process likes. A process of the probe itself is known by its ancestors
and left out. The numbers are also tried one by one: what readdir does not show and the kernel has is hidden.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from sshdoctor.facts.parsing.bounded import AS_EACH, GENTLE, LINED
from sshdoctor.facts.parsing.output import evidence, number, parts, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

COMMANDS = {
    "table": GENTLE
    + LINED
    + AS_EACH
    + r"""
[ -r /proc/1/stat ] || { echo '## none'; exit 0; }
find / -maxdepth 0 -printf '' 2>/dev/null || { echo '## no-printf'; exit 0; }
echo '## self'; echo $$
echo '## now'; date +%s; grep -s btime /proc/stat
echo '## stat'; grep -sH '' /proc/[0-9]*/stat
echo '## users'; grep -sHE '^(Uid|NSpid):' /proc/[0-9]*/status
echo '## groups'; grep -sHE '^([0-9]+:name=systemd|0:):' /proc/[0-9]*/cgroup
echo '## links'
find /proc/[0-9]*/exe /proc/[0-9]*/cwd /proc/[0-9]*/ns/mnt /proc/[0-9]*/ns/pid -maxdepth 0 \
  -printf '%p\0%l\0' 2>/dev/null | lined
as_each exe 0; as_each cwd 0; as_each ns/pid 0
echo '## words'
grep -saHz '' /proc/[0-9]*/cmdline | lined |
  awk -F: '{ if ($1 == last) n++; else { n = 0; last = $1 } if (n < 40) print substr($0, 1, 600) }'
echo '## told'
grep -saHzE '^(SSH_CONNECTION|PAM_TYPE|PAM_SERVICE|SUPERVISOR_PROCESS_NAME|SCRIPT_FILENAME)=' \
  /proc/[0-9]*/environ | lined | cut -c1-400
echo '## open'
find /proc/[0-9]*/fd -maxdepth 1 -type l \( -lname '/[!d]*' -o -lname 'socket:*' \) \
  -printf '%p\0%l\0' 2>/dev/null | lined | head -n 40000
as_each fd 1
echo '## mail'; awk '$3 ~ /:0019$/ && $4 != "0A" { print $3, $10 }' /proc/net/tcp /proc/net/tcp6 \
  2>/dev/null | head -n 2000
echo '## hidden'
read -r _ _ _ _ last </proc/loadavg
shown=" $(ls /proc | tr '\n' ' ')"
n=1
while [ "$n" -le "$last" ] && [ "$n" -le 70000 ]; do
  if [ -d "/proc/$n" ]; then
    case $shown in *" $n "*) ;; *) grep -sH '^Tgid:' "/proc/$n/status" ;; esac
  fi
  n=$((n + 1))
done
sed -n 's,^[^ ]* \(/proc/[0-9]*\) .*,\1:covered,p' /proc/self/mounts 2>/dev/null
true
"""
}

_TICKS = 100
_UNIT = re.compile(r"(?<![^/])[^/]{1,255}\.(?:service|scope|slice)")


class Process(Struct, frozen=True, kw_only=True):
    """One process; ``since`` in seconds since 1970, ``cpu`` in seconds.

    ``exe`` is the kernel's word, "" for a thread of its own, and where it may not be seen; ``words`` are the process's: claims.
    ``units`` are the parts of its cgroup, the outermost first. ``told`` is what its environment held when it
    began: a claim as well. ``open`` are the files that it holds.
    """

    pid: int
    parent: int
    group: int
    uid: int
    name: str
    exe: str
    cwd: str
    words: tuple[str, ...]
    units: tuple[str, ...]
    since: float
    cpu: float
    inner: bool
    """It lives in a container: in another process namespace than the first process."""
    told: Mapping[str, str]
    open: tuple[str, ...]
    mails: int
    """So many addresses but its own it speaks to at port 25: mail servers, past this host's own."""


class Running(Struct, frozen=True, kw_only=True):
    """``hidden`` are numbers that the kernel has and the listing of /proc does not show."""

    processes: tuple[Process, ...]
    hidden: tuple[int, ...]
    evidence: tuple[Evidence, ...]


VALUE = Running
WRITERS = {"": "kernel", "processes": "anyone"}


def parse(sections: Mapping[str, Section]) -> Running | Unknown:
    section = sections["table"]
    if (cut := unseen(section)) is not None:
        return cut
    said = parts(section.output)
    if "none" in said:
        return Unknown("/proc is not mounted")
    if "no-printf" in said:
        return Unknown("its find(1) cannot print what it finds (-printf)")
    found = {process.pid: process for process in _processes(said)}
    own = _own(found, number(said.get("self", "").strip()) or 0)
    others = tuple(process for pid, process in sorted(found.items()) if pid not in own)
    return Running(
        processes=others,
        hidden=tuple(pid for pid in _hidden(said.get("hidden", "")) if pid not in own),
        evidence=evidence("ps -e", [f"{len(others)} processes"]),
    )


def _processes(said: Mapping[str, str]) -> Iterator[Process]:
    boot = next((int(n) for n in re.findall(r"btime (\d+)", said.get("now", ""))), 0)
    users = dict(_values(said.get("users", ""), "Uid:"))
    links, groups, words = _links(said.get("links", "")), _groups(said.get("groups", "")), _words(said)
    told, files = _told(said.get("told", "")), _open(said.get("open", ""))
    mail = _mail(said.get("mail", ""))
    first = links.get((1, "ns/pid"), "")
    for line in said.get("stat", "").splitlines():
        match = re.match(r"/proc/(\d+)/stat:\d+ \((.*)\) (\S .*)", line)
        if match is None:
            continue
        pid, rest = int(match[1]), match[3].split()
        if len(rest) < 20 or pid not in users:
            continue
        holds = files.get(pid, [])
        yield Process(
            pid=pid,
            parent=int(rest[1]),
            group=int(rest[2]),
            uid=int(users[pid].split()[1]) if len(users[pid].split()) > 1 else -1,
            name=match[2],
            exe=links.get((pid, "exe"), ""),
            cwd=links.get((pid, "cwd"), ""),
            words=tuple(words.get(pid, ())),
            units=groups.get(pid, ()),
            since=boot + int(rest[19]) / _TICKS,
            cpu=(int(rest[11]) + int(rest[12])) / _TICKS,
            inner=(links.get((pid, "ns/pid")) or first) != first,
            told=told.get(pid, {}),
            open=tuple(dict.fromkeys(name for name in holds if name.startswith("/"))),
            mails=len({mail[name] for name in holds if name in mail}),
        )


_LOOPBACK = re.compile(r"^[0-9A-F]{6}7F$|FFFF0000[0-9A-F]{6}7F$|^0{24}01000000$")


def _mail(text: str) -> dict[str, str]:
    """By socket, the address at whose port 25 it ends; an app that hands letters to its own host is no matter."""
    rows = (line.split() for line in text.splitlines() if line.endswith(tuple("0123456789")))
    found = {
        f"socket:[{row[-1]}]": row[0].partition(":")[0] for row in rows if len(row) == 2 and ":0019" in row[0]
    }
    return {socket: address for socket, address in found.items() if not _LOOPBACK.search(address)}


def _values(text: str, key: str) -> Iterator[tuple[int, str]]:
    for line in text.splitlines():
        match = re.match(r"/proc/(\d+)/[a-z]+:(.*)", line)
        if match and match[2].startswith(key):
            yield int(match[1]), match[2].removeprefix(key)


def _links(text: str) -> dict[tuple[int, str], str]:
    lines = text.split("\n")
    found: dict[tuple[int, str], str] = {}
    for path, target in zip(lines[::2], lines[1::2], strict=False):
        if match := re.fullmatch(r"/proc/(\d+)/(exe|cwd|ns/mnt|ns/pid)", path):
            key = int(match[1]), match[2]
            found[key] = found.get(key) or target  # what root saw holds; a user's own look may be his forgery
    return found


def _open(text: str) -> dict[int, list[str]]:
    lines = text.split("\n")
    found: dict[int, list[str]] = {}
    for path, target in zip(lines[::2], lines[1::2], strict=False):
        if match := re.fullmatch(r"/proc/(\d+)/fd/\d+", path):
            found.setdefault(int(match[1]), []).append(target)
    return found


def _groups(text: str) -> dict[int, tuple[str, ...]]:
    """By process, the units of its cgroup below that of the first process."""
    paths: dict[int, str] = {}
    for pid, value in _values(text, ""):
        path = value.partition(":")[2].partition(":")[2]
        if len(path) > len(paths.get(pid, "")):
            paths[pid] = path
    top = re.sub(r"/init\.scope$", "", paths.get(1, ""))
    return {pid: tuple(_UNIT.findall(path.removeprefix(top))) for pid, path in paths.items()}


def _words(said: Mapping[str, str]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for pid, word in _values(said.get("words", ""), ""):
        found.setdefault(pid, []).append(word)
    return found


def _told(text: str) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    for pid, word in _values(text, ""):
        name, _, value = word.partition("=")
        found.setdefault(pid, {})[name] = value
    return found


def _hidden(text: str) -> Iterator[int]:
    """A thread has a number too, and is not listed: it is one whose Tgid is another's. A process is hidden as
    well by something that is mounted over its folder."""
    for pid, value in _values(text, "Tgid:"):
        if number(value.strip()) == pid:
            yield pid
    yield from (int(found) for found in re.findall(r"^/proc/(\d+):covered$", text, re.MULTILINE))


def _own(found: Mapping[int, Process], self: int) -> set[int]:
    """The probe's processes: they descend from the process group that runs it."""
    here = found.get(self)
    above = here
    while above and here and above.group == here.group:  # `timeout` makes a group of its own
        above = found.get(above.parent)
    if here is None or above is None:
        return {self}
    head = above.group

    def is_own(process: Process) -> bool:
        seen: set[int] = set()
        at: Process | None = process
        while at is not None and at.pid > 1 and at.pid not in seen:
            if at.group == head:
                return True
            seen.add(at.pid)
            at = found.get(at.parent)
        return False

    return {pid for pid, process in found.items() if is_own(process)}
