"""How many processes and open files a session of the user may have, and how many processes the user has.

Sources: pam_limits(8), limits.conf(5): a line for the user beats one for a group, and that one for everybody;
of equal ones the last counts; ``USER -`` lifts all. The kernel refuses a fork where the user's processes (and
their threads) are as many as RLIMIT_NPROC (getrlimit(2)), or the tasks of a control group as pids.max
(systemd.resource-control(5), TasksMax=). Measured with OpenSSH 9.2 on Debian 12: a session that is only just
opened needs two processes and more than twelve open files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from sshdoctor.facts.parsing import pam as _pam
from sshdoctor.facts.parsing.output import evidence, number, parts, properties
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.parsing.words import plain_name
from sshdoctor.model import Evidence, Unknown

COMMANDS = {
    "set": _pam.FITTING
    + """
[ -n "$user" ] || exit 0
uid=$(id -u -- "$user" 2>/dev/null) || exit 0
echo '## account'; echo "name=$user"; echo "uid=$uid"; echo "groups=$(id -Gn -- "$user" 2>/dev/null)"
stacks '^[^#]*(pam_limits|pam_systemd[.]so|include|substack)'
more=/etc/security/limits.d
set --
for file in /etc/security/limits.conf "$more" "$more"/*.conf; do
  [ -e "$file" ] || continue
  if [ ! -r "$file" ]; then echo '## unread'; echo "$file"; break; fi
  [ -d "$file" ] || set -- "$@" "$file"
done
fitting file '^[^#]+[[:space:]]((nproc|nofile|as|data|stack|max(sys)?logins)[[:space:]]|-[[:space:]]*$)' "$@"
echo '## processes'
! grep -qsE '^[^#]*[[:space:]]nproc[[:space:]]' /etc/security/limits.conf "$more"/*.conf ||
  grep -lsE "^Uid:[[:space:]]+${uid}[[:space:]]" /proc/[0-9]*/task/*/status | wc -l
echo '## slice'
[ ! -d /run/systemd/system ] ||
  systemctl show -p TasksMax,TasksCurrent,DropInPaths "user-$uid.slice" 2>/dev/null
true
"""
}

_PROCESSES, _FILES, _TASKS = 2, 13, 3
"""What a session needs: its user's processes, open files, and tasks in its slice (sshd's own one too)."""


_ROOM = {"as": 20_000, "data": 2_000, "stack": 64}
"""With which a session began; with the next smaller one that was tried it was cut off (Debian 11 to 13)."""


class Limits(Struct, frozen=True, kw_only=True):
    """``line`` (in ``file``) leaves no room for one more session of the user: it allows ``most`` of ``item``
    (nproc, nofile; as, data and stack in KB; maxlogins and maxsyslogins where they allow none), and ``used``
    processes are in use.
    All of it is empty where there is room.

    ``tasks_most``: TasksMax= of the user's slice, where that has no room; ``tasks`` of it are in use.
    """

    item: str
    line: str
    file: str
    most: int
    used: int
    slice: str
    tasks_most: int | None
    tasks: int
    evidence: tuple[Evidence, ...]


VALUE = Limits
WRITERS = {"": "root", "used": "account", "tasks": "account"}
OF_REFUSALS = True


class _Set(Struct, frozen=True):
    rank: int
    most: int
    line: str
    file: str


def parse(sections: Mapping[str, Section]) -> Limits | Unknown:
    said = parts(sections["set"].output)
    if "account" not in said:
        return Unknown("the user is not known")
    account = properties(said["account"])
    uid, services = account["uid"], _services(said)
    asked = dict(_pam.entries(services, "sshd", "session")).get("pam_limits.so")
    files = {name.removeprefix("file "): text for name, text in said.items() if name.startswith("file ")}
    lines = [(path, line) for path, text in files.items() for line in text.splitlines()]
    lifted = asked is None or uid == "0"
    if not lifted and (unread := _unread(said, asked or ())):
        return Unknown(unread)
    found = {} if lifted else _in_force(lines, account)
    used = number(said.get("processes", "").strip()) or 0
    item, full = _full(found, used)
    slice_, tasks_most, tasks = _slice(properties(said.get("slice", "")), services)
    return Limits(
        item=item,
        line=full.line if full else "",
        file=full.file if full else "",
        most=full.most if full else 0,
        used=used if item == "nproc" else 0,
        slice=f"user-{plain_name(uid)}.slice" if slice_ else "",
        tasks_most=tasks_most,
        tasks=tasks,
        evidence=(
            *(evidence(f"cat {full.file}", [full.line]) if full else ()),
            *(evidence(f"systemctl show user-{uid}.slice", said["slice"].splitlines()) if slice_ else ()),
        ),
    )


def _unread(said: Mapping[str, str], asked: Iterable[str]) -> str:
    """Why the limits that count are not known, or ""."""
    if elsewhere := next((word for word in asked if word.startswith("conf=")), ""):
        return f"pam_limits has {elsewhere[:100]}, which is not read"
    return f"{said['unread'].strip()[:100]} may not be read; root may" if "unread" in said else ""


def _services(said: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix("pam "): text for name, text in said.items() if name.startswith("pam ")}


def _in_force(lines: Iterable[tuple[str, str]], account: Mapping[str, str]) -> dict[str, _Set]:
    """The smaller of soft and hard limit, by item."""
    kept: dict[tuple[str, str], _Set] = {}
    for path, line in lines:
        words = line.partition("#")[0].split()
        rank = _rank(words[0], account) if words else None
        if rank is None:
            continue
        if words[1:] == ["-"]:
            return {}
        for kind, item, most in _limits(words):
            if (before := kept.get((kind, item))) is None or rank <= before.rank:
                kept[kind, item] = _Set(rank, most, " ".join(words), path)
    found: dict[str, _Set] = {}
    for (_, item), one in kept.items():
        if item not in found or one.most < found[item].most:
            found[item] = one
    return found


def _limits(words: list[str]) -> Iterator[tuple[str, str, int]]:
    if len(words) == 4 and words[1] in ("hard", "soft", "-") and words[3].isdecimal():
        for kind in ("hard", "soft") if words[1] == "-" else (words[1],):
            yield kind, words[2], int(words[3])


def _rank(domain: str, account: Mapping[str, str]) -> int | None:
    """How near a line is to the user: 0 names the user, 1 a group, 4 everybody; None means others.

    >>> who = {"uid": "1000", "groups": "deploy web"}
    >>> domains = ("deploy", "@web", "*", "@db", "1000:", ":999", "%web")
    >>> [_rank(domain, {**who, "name": "deploy"}) for domain in domains]
    [0, 1, 4, None, 0, None, None]
    """
    uid, groups = int(account["uid"]), account.get("groups", "").split()
    if domain == "*":
        return 4
    if domain.startswith("@"):
        return 1 if domain[1:] in groups else None
    span = re.fullmatch(r"(\d*):(\d*)", domain)
    if span and (span[1] or span[2]):
        low, high = int(span[1] or 0), int(span[2]) if span[2] else None
        exact = not span[1]  # ":uid" is that one alone
        return 0 if (uid == high if exact else low <= uid and (high is None or uid <= high)) else None
    return 0 if domain == account.get("name") else None


def _full(found: Mapping[str, _Set], used: int) -> tuple[str, _Set | None]:
    needs = {"maxlogins": 1, "maxsyslogins": 1, "nproc": used + _PROCESSES, "nofile": _FILES, **_ROOM}
    for item, needed in needs.items():
        if (one := found.get(item)) and one.most < needed:
            return item, one
    return "", None


def _slice(unit: Mapping[str, str], services: Mapping[str, str]) -> tuple[bool, int | None, int]:
    """Whether the slice has no room, with its TasksMax= and what runs; only where logind makes sessions."""
    most, tasks = number(unit.get("TasksMax")), number(unit.get("TasksCurrent")) or 0
    if most is None or not any("pam_systemd.so" in text for text in services.values()):
        return False, None, 0
    return (True, most, tasks) if most < tasks + _TASKS else (False, None, 0)
