"""What changed on the host since the last login that worked: files, packages, units, a boot.

Sources: sshd(8) (its "Accepted" lines); journalctl(1); find(1) (-newerct: the time of an inode's last change,
which only root can set back); dpkg.log(5); rpm(8) (INSTALLTIME). It tells a person where to look, and proves
nothing: where only a text log is kept, anybody may have written its lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from sshdoctor.facts.parsing.output import parts
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Change, Evidence, History, Unknown

COMMANDS = {
    "since": r"""
until=$(( began - ${age:-60} - 2 )) login='' since=''
if [ -d /run/systemd/system ] && command -v journalctl >/dev/null; then
  login=$(journalctl -q -r -n 1 -o short-unix --no-pager --since "@$(( until - 2592000 ))" --until "@$until" \
    --grep '^Accepted ' _UID=0 SYSLOG_IDENTIFIER=sshd + _UID=0 SYSLOG_IDENTIFIER=sshd-session 2>/dev/null)
  since=${login%%[. ]*}
else
  for file in /var/log/auth.log /var/log/secure; do
    [ -r "$file" ] || continue
    found=$(tail -c 500000 "$file" | grep -aE ' sshd(-session)?[[][0-9]+[]]: Accepted ' |
      tail -n 9 | cut -c1-300)
    while IFS= read -r line; do
      case $line in [12]*) when=${line%% *} ;; *) when=$(printf %.15s "$line") ;; esac
      when=$(date -d "$when" +%s 2>/dev/null) || continue
      [ "$when" -gt "$until" ] || { since=$when; login=$line; }
    done <<EOT
$found
EOT
    break
  done
fi
case $since in ''|*[!0-9]*) exit 0 ;; esac
echo '## login'; echo "$login"
echo '## since'; echo "$since"; date +%z
echo '## boot'; sed -n 's/^btime //p' /proc/stat
echo '## files'
for path in /etc/ssh /etc/pam.d /etc/security /etc/ufw /etc/iptables /etc/nftables.conf /etc/nftables.d \
  /etc/firewalld /etc/fail2ban /etc/hosts.allow /etc/hosts.deny /etc/passwd /etc/shadow /etc/group \
  /etc/sysconfig /etc/default/ssh /etc/default/ufw /etc/systemd/system /etc/network /etc/netplan
do [ ! -e "$path" ] || set -- "$@" "$path"; done
[ $# = 0 ] || find "$@" -xdev -maxdepth 4 '(' -type f -o -type l ')' -newerct "@$since" -printf '%C@ %p\n' \
  2>/dev/null | sort -n | tail -n 40
find / -maxdepth 0 -newerct @1 -printf '' 2>/dev/null || echo unseen
echo '## packages'
if [ -r /var/log/dpkg.log ]; then
  start=$(date -d "@$since" '+%Y-%m-%d %H:%M:%S' 2>/dev/null)
  [ -z "$start" ] || awk -v start="$start" '$1 " " $2 >= start && $3 ~ /^(install|upgrade|remove|purge)$/' \
    /var/log/dpkg.log | tail -n 40
elif command -v rpm >/dev/null; then
  echo rpm
  rpm -qa --qf '%{INSTALLTIME} %{NAME} %{VERSION}-%{RELEASE}\n' 2>/dev/null |
    awk -v since="$since" '$1 >= since' | sort -n | tail -n 40
else echo unseen; fi
echo '## units'
if [ -d /run/systemd/system ]; then
  set --
  for unit in ssh sshd ufw firewalld nftables netfilter-persistent iptables fail2ban; do
    set -- "$@" ${1:++} _PID=1 "UNIT=$unit.service"
  done
  journalctl -q -b -n 200 -o short-unix --no-pager --since "@$since" "$@" 2>/dev/null |
    grep -aE ': (Started|Stopped|Reloaded|Failed to start) ' | tail -n 20 | cut -c1-200
else echo unseen; fi
true
"""
}


class Changes(Struct, frozen=True, kw_only=True):
    """``history`` since the last login that worked before this dial."""

    history: History
    evidence: tuple[Evidence, ...] = ()


VALUE = Changes
WRITERS = {"": "anyone"}
OF_REFUSALS = True

_KINDS = ("files", "packages", "units")
_LOGIN = re.compile(r"Accepted \S{1,40} for (\S{1,64}) from \S{1,64} port ")
_FILE = re.compile(r"(\d{9,11})(?:\.\d+)? (/\S.{0,300})")
_DPKG = re.compile(
    r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (install|upgrade|remove|purge) (\S{1,100}) \S{1,80} (\S{1,80})"
)
_RPM = re.compile(r"(\d{9,11}) (\S{1,100}) (\S{1,80})")
_UNIT = re.compile(r"(\d{9,11})\.\d+ \S+ systemd\[1\]: (.{1,160})")
_DONE = {"install": "installed", "upgrade": "upgraded", "remove": "removed", "purge": "purged"}


def parse(sections: Mapping[str, Section]) -> Changes | Unknown:
    said = parts(sections["since"].output)
    if "since" not in said:
        return Unknown("no login that worked is in the log")
    seconds, zone = (*said["since"].split(), "+0000")[:2]
    since = float(seconds)
    unseen = tuple(kind for kind in _KINDS if said[kind].strip() == "unseen")
    who = _LOGIN.search(said["login"])
    found = sorted(
        (
            *_booted(said["boot"], since),
            *_files(said["files"]),
            *_packages(said["packages"], zone),
            *_units(said["units"]),
        ),
        key=lambda one: one.when,
    )
    after = tuple(one for one in found if one.when > since)
    return Changes(history=History(since=since, user=who[1] if who else "", changes=after, unseen=unseen))


def _booted(text: str, since: float) -> Iterator[Change]:
    if text.strip().isdecimal() and float(text) > since:
        yield Change(float(text), "the host booted")


def _files(text: str) -> Iterator[Change]:
    for line in text.splitlines():
        if found := _FILE.fullmatch(line):
            yield Change(float(found[1]), found[2])


def _packages(text: str, zone: str) -> Iterator[Change]:
    ahead = _ahead(zone)
    for line in text.splitlines():
        if found := _DPKG.match(line):
            when = datetime.fromisoformat(found[1]).replace(tzinfo=UTC) - ahead
            name, new = found[3].partition(":")[0], found[4]
            version = f" {new}" if new != "<none>" else ""
            yield Change(when.timestamp(), f"package {name}{version} {_DONE[found[2]]}")
        elif found := _RPM.fullmatch(line):
            yield Change(float(found[1]), f"package {found[2]} {found[3]} installed")


def _units(text: str) -> Iterator[Change]:
    for line in text.splitlines():
        if found := _UNIT.fullmatch(line):
            yield Change(float(found[1]), f"systemd: {found[2]}")


def _ahead(zone: str) -> timedelta:
    """
    >>> _ahead("+0930"), _ahead("-0100")
    (datetime.timedelta(seconds=34200), datetime.timedelta(days=-1, seconds=82800))
    """
    hours, minutes = int(zone[1:3]), int(zone[3:5])
    return timedelta(hours=hours, minutes=minutes) * (-1 if zone.startswith("-") else 1)
