"""The engines that guard the logins here, and what fail2ban's server says of each of its jails.

Sources: fail2ban-client(1), whose own socket client and filter are asked (0.2 s for all, not for each
question); sshd_config(5) PerSourcePenalties. ``lines`` are what sshd logged as root, with fields that
journald itself wrote (systemd.journal-fields(7)); which of them a jail's own expressions take for a failure
is tried on the host, by fail2ban's own filter. The number of bans is that of fail2ban's logs, old ones too.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from sshdoctor.facts.parsing.fail2ban import SOCKET
from sshdoctor.facts.parsing.output import parts, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

_ASKED = Path(__file__).with_name("fail2ban_asked.txt").read_text(encoding="utf-8")
COMMANDS = {
    "fail2ban": SOCKET
    + rf"""
command -v fail2ban-client >/dev/null || exit 0
echo '## installed'
[ ! -e /etc/fail2ban/jail.d/sshdoctor.local ] || echo '## allow-list'
echo '## blocked'
# As fail2ban reads its settings, the last one holds: a file, with what logrotate made of it, or the journal.
cd /etc/fail2ban && log=$(cat fail2ban.conf fail2ban.d/*.conf fail2ban.local fail2ban.d/*.local 2>/dev/null |
  sed -n 's/^[[:space:]]*logtarget[[:space:]]*=[[:space:]]*//p' | tail -n 1)
case $log in
  /*) for each in "$log"*; do
    case $each in
      *.gz) gzip -dc "$each" ;; *.xz) xz -dc "$each" ;; *.zst) zstd -dc "$each" ;; *) cat "$each" ;;
    esac
  done ;;
  *) [ ! -d /run/systemd/system ] || journalctl -q --no-pager -o cat _UID=0 _COMM=fail2ban-server ;;
esac 2>/dev/null | awk '
  /[]] Ban / && !/Ban (192[.]0[.]2[.]213|2001:db8:5d0c::213) *$/ {{ bans++ }}
  END {{ if (NR) print bans + 0 }}'
[ -S "$socket" ] || {{
  echo '## refused'; fail2ban-client -t 2>&1 | tail -n 3 | cut -c 1-300
  # What a test does not find stands in the log; its other lines may hold addresses.
  [ ! -f "$log" ] || tail -n 60 "$log" | grep -E '\.(jail|jails?reader|configreader|configurator) .* ERROR ' |
    tail -n 3 | cut -c 1-300
  exit 0
}}
python=$(sed -n '1s/^#! *//p' "$(command -v fail2ban-client)" | cut -d ' ' -f 1)
echo '## jails'
"${{python:-python3}}" -I -c {shlex.quote(_ASKED)} "$socket" 2>&1
true
""",
    "others": """
echo '## tools'
for tool in iptables ip6tables nft ipset ufw firewall-cmd sshguard crowdsec; do
  ! command -v $tool >/dev/null || echo $tool
done
echo '## network'; readlink /proc/self/ns/net
grep -lsxE 'fail2ban-server|sshg-blocker|crowdsec' /proc/[0-9]*/comm | while read -r comm; do
  readlink "${comm%comm}ns/net"
done | sort -u
echo '## powerless'
grep -lsxE 'fail2ban-server|sshg-fw.*|crowdsec-firewa' /proc/[0-9]*/comm | while read -r comm; do
  case $(sed -n 's/^CapEff:[^0-9a-f]*//p' "${comm%comm}status") in *[02468ace]???) cat "$comm" ;; esac
done | sort -u
echo '## unrouted'
for family in -4 -6; do ip $family route show table all 2>/dev/null; done |
  awk '/^(unreachable|blackhole|prohibit) / { print $2 }' | head -n 500
from=user=root,host=${client:-0.0.0.0},addr=${client:-0.0.0.0},laddr=0.0.0.0,lport=22
echo '## sshd'; { sshd -T || sshd -T -C "$from"; } 2>/dev/null | grep -i -e '^persourcepenalt' -e '^loglevel '
true
""",
    "lines": """
if [ -d /run/systemd/system ] && command -v journalctl >/dev/null; then
  echo '## journal'
  fields=MESSAGE,_UID,_COMM,_EXE,_SYSTEMD_UNIT,SYSLOG_IDENTIFIER
  journalctl -q -n 400 -o json --output-fields=$fields --no-pager _UID=0 SYSLOG_IDENTIFIER=sshd + \\
    _UID=0 SYSLOG_IDENTIFIER=sshd-session 2>&1
  echo '## kept'
  systemd-analyze cat-config systemd/journald.conf 2>/dev/null |
    sed -n 's/^[[:space:]]*MaxLevelStore[[:space:]]*=[[:space:]]*//p' | tail -n 1
fi
true
""",
}


class Jail(Struct, frozen=True, kw_only=True):
    """One jail as the server has it. ``actions``: the properties of each, with "refused", what a shell says
    against its texts (``sh -n``), and "ports", the numbers that the host's list of services gives to names.

    ``samples``: whose failures its filter knows ("ssh", or a page of a site, where its log has our own
    request). ``hits``: the messages of this host's sshd that it takes for a failure, of those in its files
    if it reads files. ``found``: how many failures it has counted since the server began, None if that is not
    told; ``spared``: how many ``ignorecommand`` had it pass over. ``uncounted``: failures that came
    to it since it started, where it has counted none.
    ``resolved``: the addresses that the host knows for the names in ``ignoreip``, None for one that it was
    still asking for. ``in_files``: the newest messages of sshd's own (not of PAM, whose facility is another)
    that stand in the files that it reads, and that do not. ``asked_in_files``: our own
    requests in them. ``logins``: how many succeeded in three weeks, how many of these from addresses that the
    jail's policy would have held banned at the time, by its own filter, and for how many seconds.
    ``missed``: paths of guesses in them that a site answered and the filter passes over.
    """

    name: str
    journalmatch: tuple[tuple[str, ...], ...] = ()
    logpath: tuple[str, ...] = ()
    ignoreip: tuple[str, ...] = ()
    ignorecommand: str = ""
    ignoreself: bool = False
    banned: tuple[str, ...] = ()
    found: int | None = None
    spared: int = 0
    uncounted: int = 0
    resolved: Mapping[str, tuple[str, ...] | None] = {}
    samples: tuple[str, ...] = ()
    hits: tuple[str, ...] = ()
    in_files: tuple[int, int] = (0, 0)
    asked_in_files: int = 0
    logins: tuple[int, int, int] = (0, 0, 0)
    missed: tuple[str, ...] = ()
    actions: Mapping[str, Mapping[str, str]] = {}


class Engines(Struct, frozen=True, kw_only=True):
    """``fail2ban``: absent, stopped, running. ``refused``: why it does not start, in its own words.
    ``penalties``, ``exempt`` from them, ``log_level`` are sshd's, ``version`` is fail2ban's. ``lines`` are
    the fields of each line that sshd wrote, Unknown without a journal: anybody may write a text log.
    ``elsewhere``: what bans has another network than this session (network_namespaces(7)), so that the rules
    that were seen are not those in which it bans. ``unrouted``: to whom routes send nothing back.
    ``allow_list``: there is one that `allow` wrote. ``powerless``: what bans and has not CAP_NET_ADMIN
    (capabilities(7): bit 12). ``kept``: journald's MaxLevelStore, "" for its own."""

    fail2ban: str
    refused: str
    jails: tuple[Jail, ...] | Unknown
    dbfile: str
    blocked: int | Unknown
    tools: tuple[str, ...]
    penalties: str
    log_level: str
    lines: tuple[Mapping[str, str], ...] | Unknown
    exempt: tuple[str, ...] = ()
    unrouted: tuple[str, ...] = ()
    elsewhere: bool = False
    version: tuple[int, ...] = ()
    allow_list: bool = False
    powerless: tuple[str, ...] = ()
    kept: str = ""
    evidence: tuple[Evidence, ...] = ()

    @property
    def penalizes(self) -> bool:
        return self.penalties not in ("", "no")


VALUE = Engines
WRITERS = {"": "root", "lines": "kernel"}


class _Answer(Struct, frozen=True):
    jails: tuple[Jail, ...]
    dbfile: str | None = None
    version: str = ""


def parse(sections: Mapping[str, Section]) -> Engines | Unknown:
    said, others = parts(sections["fail2ban"].output), parts(sections["others"].output)
    state = "running" if "jails" in said else "stopped" if "installed" in said else "absent"
    answer = _answer(said.get("jails", ""), sections["fail2ban"]) if state == "running" else _Answer(())
    words = dict(line.split(" ", 1) for line in others.get("sshd", "").splitlines() if " " in line)
    blocked = said.get("blocked", "").strip()
    ours, *theirs = others.get("network", "").split() or [""]
    return Engines(
        fail2ban=state,
        refused=said.get("refused", "").strip(),
        jails=answer if isinstance(answer, Unknown) else answer.jails,
        dbfile="" if isinstance(answer, Unknown) else answer.dbfile or "",
        blocked=int(blocked) if blocked.isdecimal() else Unknown("fail2ban has no log that may be read"),
        tools=tuple(others.get("tools", "").split()),
        penalties=words.get("persourcepenalties", ""),
        log_level=words.get("loglevel", ""),
        exempt=tuple(
            words.get("persourcepenaltyexemptlist", "").replace("none", "").replace(",", " ").split()
        ),
        lines=_lines(sections["lines"]),
        version=() if isinstance(answer, Unknown) else _version(answer.version),
        unrouted=tuple(others.get("unrouted", "").split()),
        elsewhere=bool(theirs) and ours not in theirs,
        allow_list="allow-list" in said,
        powerless=tuple(others.get("powerless", "").splitlines()),
        kept=parts(sections["lines"].output).get("kept", "").strip(),
    )


def _answer(text: str, section: Section) -> _Answer | Unknown:
    if (cut := unseen(section)) is not None:
        return cut
    try:
        return msgspec.json.decode(text.strip().rpartition("\n")[2], type=_Answer)
    except msgspec.DecodeError:
        return Unknown(_error(text) or "fail2ban's server does not answer as it is asked")


def _error(text: str) -> str:
    """The last line, if it is Python's word for an error; what else it may be holds addresses of others."""
    last = text.strip().rpartition("\n")[2]
    return last[:200] if re.match(r"\w*(?:Error|Exception|Interrupt)\b", last) else ""


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(each) for each in re.findall(r"\d+", text)[:3])


def _object(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _lines(section: Section) -> tuple[Mapping[str, str], ...] | Unknown:
    if (cut := unseen(section)) is not None:
        return cut
    said = parts(section.output)
    if "journal" not in said:
        return Unknown("there is no journal, and in a text log every user of the host may write")
    found = (_object(line) for line in said["journal"].splitlines() if line.startswith("{"))
    return tuple({name: str(value) for name, value in line.items()} for line in found)
