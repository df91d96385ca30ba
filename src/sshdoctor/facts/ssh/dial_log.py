"""What the host's own programs wrote since this dial began: the SSH server's, and PAM's in its name.

Sources: journalctl(1), systemd.journal-fields(7): a field that begins with "_" is journald's own word, and no
process can choose it. A text log has no such field, and through /dev/log anybody may write there any name and
number: its lines are shown, and prove nothing. The times are the host's own on both sides, so that a clock
that is wrong does no harm.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from sshdoctor.facts.parsing.journal_lines import LONGEST, Line, journal_lines
from sshdoctor.facts.parsing.output import denied, parts
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown
from sshdoctor.services.ssh.programs import LOGGING

LATE = 5
"""So many seconds after it was made a probe may begin: a busy host takes its time to start a shell.

Of what was written in the seconds before, only that counts which names this client."""

COMMANDS = {
    "lines": """
programs='sshd sshd-session sshd-auth dropbear tinysshd'
if [ -d /run/systemd/system ] && command -v journalctl >/dev/null; then
  # Of root's alone: what anybody writes in their names could be so much that nothing else is seen.
  for name in $programs; do set -- "$@" ${1:++} _UID=0 "SYSLOG_IDENTIFIER=$name"; done
  for name in ssh sshd; do set -- "$@" + _PID=1 "UNIT=$name.socket"; done
  echo '## dialled'; echo $(( began - ${age:-60} - 1 ))
  since=$(( began - ${age:-60} - LATE ))
  echo '## journal'
  fields=MESSAGE,_PID,_UID,_EXE,SYSLOG_IDENTIFIER,SYSLOG_PID,_TRANSPORT
  journalctl -q -b -n 400 -o json --output-fields=$fields --no-pager --since "@$since" "$@" 2>&1 ||
    journalctl -q -b -n 400 -o json --no-pager --since "@$since" "$@" 2>&1
  uid=$(id -u -- "$user" 2>/dev/null)
  # What sshd writes as the one who logs in; asked apart, so that it crowds out nothing of root's.
  case $uid in ''|0|*[!0-9]*) ;; *)
    echo "## account"; echo "uid=$uid"
    set --
    for name in $programs; do set -- "$@" ${1:++} "_UID=$uid" "SYSLOG_IDENTIFIER=$name"; done
    journalctl -q -b -n 40 -o json --no-pager --since "@$since" "$@" 2>&1 ;;
  esac
else
  for file in /var/log/auth.log /var/log/secure /var/log/messages /var/log/syslog; do
    [ -e "$file" ] || continue
    echo '## now'; date +%Y-%m-%dT%H:%M:%S; echo $(( $(date +%s) - began + ${age:-60} ))
    echo "## file $file"
    tail -c 300000 "$file" 2>&1 |
      grep -aE ' (sshd|sshd-session|sshd-auth|dropbear|tinysshd)[[]|[Pp]ermission denied' | tail -n 400
    exit 0
  done
  if command -v logread >/dev/null; then
    echo '## now'; date +%Y-%m-%dT%H:%M:%S; echo $(( $(date +%s) - began + ${age:-60} ))
    echo '## file logread'
    logread 2>&1 | grep -aE ' (sshd|sshd-session|sshd-auth|dropbear|tinysshd)[[]' | tail -n 400
  fi
fi
true
""".replace("LATE", str(LATE))
}

_TIME = r"\d{4}-\d\d-\d\dT\S{8,32}|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"
_LINE = re.compile(rf"(?P<time>{_TIME}) (?P<rest>.{{0,2000}})")
_TAG = re.compile(r"(?P<program>[\w.-]{1,32})\[(?P<pid>\d{1,9})\]: ?(?P<message>.*)")


class DialLog(Struct, frozen=True, kw_only=True):
    """``lines`` in the order in which they were written; ``source`` is a command that shows them."""

    lines: tuple[Line, ...] | Unknown
    source: str
    evidence: tuple[Evidence, ...] = ()


VALUE = DialLog
WRITERS = {"": "root", "lines": "anyone"}


def parse(sections: Mapping[str, Section]) -> DialLog | Unknown:
    said = parts(sections["lines"].output)
    if "journal" in said:
        source = "journalctl -b -t sshd -t sshd-session"
        since = int(said.get("dialled", "").strip() or 0)
        lines = journal_lines(said["journal"], LOGGING, since=since)
        return DialLog(
            lines=lines
            if isinstance(lines, Unknown)
            else (*lines, *_of_account(said.get("account", ""), since)),
            source=source,
        )
    name = next((name for name in said if name.startswith("file ")), None)
    if name is None:
        return DialLog(lines=Unknown("no log is kept here"), source="")
    path = name.removeprefix("file ")
    text = said[name].splitlines()
    source = f"tail {path}" if path.startswith("/") else path
    if text and denied(text[0]) and "tail" in text[0]:
        return DialLog(lines=Unknown(f"{path} may not be read; root may"), source=source)
    return DialLog(lines=tuple(_text_lines(text, said["now"].splitlines())), source=source)


def _of_account(text: str, since: int) -> tuple[Line, ...]:
    """What sshd wrote as the one who logs in: the part of it that runs behind the login does so."""
    first, _, entries = text.partition("\n")
    lines = journal_lines(entries, LOGGING, first.removeprefix("uid="), since) if first else ()
    return () if isinstance(lines, Unknown) else lines


def _text_lines(lines: Iterable[str], times: list[str]) -> Iterator[Line]:
    now, age = datetime.fromisoformat(times[0]), int(times[1])
    dialled = now - timedelta(seconds=age + 1)
    since = dialled - timedelta(seconds=LATE)
    for line in lines:
        found = _LINE.match(line)
        tag = _TAG.search(found["rest"]) if found else None
        when = _time(found["time"], now) if found else None
        if tag and when and when >= since:
            yield Line(
                tag["program"], int(tag["pid"]), tag["message"][:LONGEST], trusted=False, early=when < dialled
            )


def _time(text: str, now: datetime) -> datetime | None:
    """rsyslog's ISO time, or RFC 3164's, which has no year."""
    try:
        if text[0].isdecimal():
            return datetime.fromisoformat(text[:19])
        when = datetime.strptime(f"{now.year} {text}", "%Y %b %d %H:%M:%S")
    except ValueError:
        return None
    return when if when <= now + timedelta(days=1) else when.replace(year=now.year - 1)
