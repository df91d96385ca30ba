"""What sshd and the kernel wrote since the boot.

Whose words a line has is told by what nobody can choose: journald's own fields (_UID, _PID,
_SYSTEMD_UNIT), of which only what root or systemd wrote is asked for. A text log is written through /dev/log,
by anybody in anybody's name: its lines are shown, and prove nothing. In the kernel's lines a process's name
is its own choice: they count only with its user or its SELinux domain. Of a message the first line is taken.
Sources: journalctl(1), systemd.journal-fields(7); the syslog files of Debian (auth.log) and Red Hat (secure);
dmesg(1); audit.log for SELinux's AVCs; mm/oom_kill.c (the user stands there since Linux 5.0).
A line of a file is of this boot if its time is not before it; a journal is asked for this boot alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.facts.offline.accounts_and_paths import printed
from sshdoctor.facts.parsing.output import denied, evidence, parts
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

if TYPE_CHECKING:
    from sshdoctor.disk import Disk

_BY_ROOT = (
    *("_SYSTEMD_UNIT=ssh.service", "_SYSTEMD_UNIT=sshd.service"),
    *("SYSLOG_IDENTIFIER=sshd", "SYSLOG_IDENTIFIER=sshd-session", "SYSLOG_IDENTIFIER=sshd-auth"),
)
_BY_SYSTEMD = ("UNIT=ssh.service", "UNIT=sshd.service", "UNIT=ssh.socket", "UNIT=sshd.socket")
_ASKED = " + ".join((*(f"_UID=0 {one}" for one in _BY_ROOT), *(f"_PID=1 {one}" for one in _BY_SYSTEMD)))

COMMANDS = {
    "sshd": f"""
if [ -d /run/systemd/system ] && command -v journalctl >/dev/null; then
  echo '## journal'
  journalctl -q -a -b -n 100 -o short-iso --no-pager {_ASKED} 2>&1 | grep -av '^ ' | cut -c -2000
else
  for file in /var/log/auth.log /var/log/secure /var/log/messages /var/log/syslog; do
    [ -e "$file" ] || continue
    btime=$(sed -n 's/^btime //p' /proc/stat)
    echo '## boot'; date -d "@$btime" +%Y-%m-%dT%H:%M:%S; date +%Y-%m-%dT%H:%M:%S
    echo "## file $file"
    tail -c 500000 "$file" 2>&1 | sed -nE '/sshd|[Pp]ermission denied/s/^/|/p' | tail -n 100
    break
  done
fi
true
""",
    "kernel": """
wanted='[(]sshd[a-z-]*[)]|task=sshd|sshd[a-z-]*[[][0-9]+]|name_bind|nf_conntrack: .*table full'
wanted="$wanted|Remounting filesystem read-only"
if dmesg >/dev/null 2>&1; then
  echo '## dmesg'; dmesg | sed -nE "/$wanted/s/^/|/p"
elif [ -d /run/systemd/system ]; then
  lines=$(journalctl -k -q -b -n 2000 -o short-iso --no-pager 2>/dev/null)
  [ -z "$lines" ] || { echo '## seen'; echo "$lines" | sed -nE "/$wanted/s/^/|/p"; }
fi
[ ! -e /sys/fs/selinux/enforce ] && [ ! -r /var/log/audit/audit.log ] || {
  echo '## audit'; echo "boot=$(sed -n 's/^btime //p' /proc/stat)"
  tail -c 1000000 /var/log/audit/audit.log 2>&1 |
    sed -nE '/name_bind.*:sshd_t:|[Pp]ermission denied/s/^/|/p' | tail -n 3
}
true
""",
}

Lines = tuple[str, ...]


class Log(Struct, frozen=True, kw_only=True):
    """``lines``: the last 20 of sshd, in a text log whoever wrote them. ``kernel``: those of the kernel that
    name sshd, or a full conntrack table, or a file system that went read-only.

    ``sshd_crash`` is systemd's line of a crash, "" if there is none. ``bind_error``: address-in-use,
    cannot-assign, permission-denied or "", of sshd's last start alone (``bind_text``): one that could bind
    IPv6 but not IPv4 runs, and still has its bind error.
    ``start_limited``: systemd gave up starting it ("repeated too quickly") and it has not started since.
    """

    source: str
    lines: Lines | Unknown
    kernel: Lines | Unknown
    sshd_oom: bool | Unknown
    sshd_crash: str | Unknown
    label_denied: bool | Unknown
    bind_error: str | Unknown
    bind_text: str
    start_limited: bool | Unknown
    evidence: tuple[Evidence, ...]


VALUE = Log
WRITERS = {"": "root", "lines": "anyone", "kernel": "anyone"}

_FILES = ("/var/log/auth.log", "/var/log/secure", "/var/log/messages", "/var/log/syslog")


def on_disk(disk: Disk, user: str) -> Log | Unknown:
    """What the last boot wrote, or in a file without boots what came since the last good start."""
    from sshdoctor.facts.offline.journal import journal  # only a disk needs it

    lines = journal(disk, "-n", "100", *_ASKED.split())
    kernel = journal(disk, "-n", "2000", "_TRANSPORT=kernel")
    said, source = "", ""
    if not isinstance(lines, Unknown):
        said, source = f"## journal\n{lines}", "journalctl -D /var/log/journal -b -u ssh"
    elif path := next((path for path in _FILES if disk.is_file(path)), None):
        text = disk.read(path, most=500_000, tail=True).decode("utf-8", "backslashreplace")
        own = [f"|{line}" for line in text.splitlines() if "sshd" in line][-100:]
        ever = "1970-01-01T00:00:00\n9999-12-31T00:00:00"
        said, source = "\n".join(["## boot", ever, f"## file {path}", *own]), f"grep sshd {path}"
    named = [] if isinstance(kernel, Unknown) else [f"|{line}" for line in _naming_sshd(kernel)]
    seen = "" if isinstance(kernel, Unknown) else "\n".join(["## seen", *named])
    log = parse({"sshd": printed(said), "kernel": printed(seen)})
    if isinstance(log, Unknown):
        return log
    if isinstance(log.kernel, Unknown):
        log = _without_kernel(log, disk)
    shown = tuple(
        replace(each, source=source) if "journalctl" in each.source else each for each in log.evidence
    )
    return replace(log, source=source, evidence=shown)


def _without_kernel(log: Log, disk: Disk) -> Log:
    none = Unknown("no log of the kernel is kept on this disk")
    crash = log.sshd_crash if isinstance(log.sshd_crash, str) else none
    label = none if disk.is_there("/etc/selinux/config") else False
    return replace(log, kernel=none, sshd_oom=none, sshd_crash=crash, label_denied=label)


def _naming_sshd(text: str) -> list[str]:
    wanted = re.compile(
        r"[(]sshd[a-z-]{0,12}[)]|task=sshd|sshd[a-z-]{0,12}[\[][0-9]+|name_bind|Remounting filesystem"
    )
    return [line for line in text.splitlines() if wanted.search(line)]


_KEPT = 20
_HEARSAY = Unknown("anybody can write into this log")
_WHOSE = Unknown("the kernel does not say whose process it was")
_SSHD = r"^\S+ \S+ sshd(?:-session|-auth)?\[\d+\]: "
_LISTENS = re.compile(rf"{_SSHD}Server listening on ")
_BIND = re.compile(rf"{_SSHD}error: Bind to port \d+ on (\S+) failed: (.+)$")
_BIND_WORDS = {
    "Address already in use": "address-in-use",
    "Cannot assign requested address": "cannot-assign",
    "Permission denied": "permission-denied",
}
_SYSTEMD = r"^\S+ \S+ systemd\[1\]: "
_LIMITED = re.compile(rf"{_SYSTEMD}sshd?\.(?:service|socket): Start request repeated too quickly")
_DUMPED = re.compile(rf"{_SYSTEMD}sshd?\.service: Main process exited, code=dumped, status=\d+/")
_MEMORY = r"(?:, [a-z]+-rss:\d+kB)+"
_OOM = re.compile(
    rf"Killed process \d+ \(sshd[a-z-]*\),? total-vm:\d+kB{_MEMORY}, UID:0 "
    r"|^(?>.*?oom-kill:).*,task=sshd[a-z-]*,pid=\d+,uid=0$"
)
_SOMEBODYS_OOM = re.compile(rf"Killed process \d+ \(sshd[a-z-]*\),? total-vm:\d+kB{_MEMORY}$")
_COMM = r"sshd[^\s\[]{0,12}\[\d{1,9}\]"
"""As the kernel names a process, in 15 characters at most."""
_CRASH = re.compile(rf"{_COMM}: segfault at|traps: {_COMM}")
_LABEL = re.compile(
    r"^(?>.*?avc:\s+denied\s+\{)(?=[^}]*name_bind)[^}]*\}.*\bscontext=[^\s:=]+:[^\s:=]+:sshd_t:"
)


def parse(sections: Mapping[str, Section]) -> Log | Unknown:
    source, lines = _sshd(parts(sections["sshd"].output))
    kernel = _kernel(parts(sections["kernel"].output))
    doubt = lines if isinstance(lines, Unknown) else None if source.startswith("journalctl") else _HEARSAY
    said = lines if isinstance(lines, tuple) else ()
    bound = [(line, match) for line in _last_start(said) if (match := _BIND.search(line))]
    bind_word = _BIND_WORDS.get(bound[-1][1][2].rstrip("."), "other") if bound else ""
    limited = any(_LIMITED.search(line) for line in _since_last(said, _LISTENS))
    return Log(
        source=source,
        lines=lines if isinstance(lines, Unknown) else lines[-_KEPT:],
        kernel=kernel,
        sshd_oom=_oom(kernel),
        sshd_crash=_crash(said, kernel, doubt),
        label_denied=_label(parts(sections["kernel"].output), kernel),
        bind_error=doubt if doubt is not None else bind_word,
        bind_text=bound[-1][0] if bound and doubt is None else "",
        start_limited=doubt if doubt is not None else limited,
        evidence=evidence(source, said[-6:]) + evidence("dmesg | grep sshd", _known(kernel)[-6:]),
    )


def _oom(kernel: Lines | Unknown) -> bool | Unknown:
    if isinstance(kernel, Unknown) or any(_OOM.search(line) for line in kernel):
        return kernel if isinstance(kernel, Unknown) else True
    return _WHOSE if any(_SOMEBODYS_OOM.search(line) for line in kernel) else False


def _crash(said: Lines, kernel: Lines | Unknown, doubt: Unknown | None) -> str | Unknown:
    if doubt is None and (dumped := [line for line in said if _DUMPED.search(line)]):
        return dumped[-1]
    if isinstance(kernel, Unknown) or any(_CRASH.search(line) for line in kernel):
        return kernel if isinstance(kernel, Unknown) else _WHOSE
    return doubt if doubt is not None else ""


def _known(lines: Lines | Unknown) -> Lines:
    return () if isinstance(lines, Unknown) else lines


def _any(pattern: re.Pattern[str], lines: Lines | Unknown) -> bool | Unknown:
    return lines if isinstance(lines, Unknown) else any(pattern.search(line) for line in lines)


def _since_last(lines: Lines, pattern: re.Pattern[str]) -> Lines:
    last = max((at for at, line in enumerate(lines) if pattern.search(line)), default=-1)
    return lines[last + 1 :]


def _last_start(lines: Lines) -> Lines:
    """What came after the last start that could listen, and what that start itself said."""
    own = next((found[0] for line in reversed(lines) if (found := _LISTENS.search(line))), None)
    if own is None:
        return lines
    pid = own.partition("]")[0] + "]"
    return tuple(line for line in lines if pid in line) + _since_last(lines, _LISTENS)


def _sshd(said: Mapping[str, str]) -> tuple[str, Lines | Unknown]:
    if "journal" in said:
        lines = tuple(line for line in said["journal"].splitlines() if line)
        if any("insufficient permissions" in line for line in lines):
            return "journalctl -b -u ssh", Unknown("not permitted")
        return "journalctl -b -u ssh", lines
    name = next((name for name in said if name.startswith("file ")), None)
    if name is None:
        return "", Unknown("no log is kept here")
    lines = _bare(said[name])
    if lines and denied(lines[0]) and "tail" in lines[0]:
        return f"grep sshd {name[5:]}", Unknown("not permitted")
    return f"grep sshd {name[5:]}", tuple(_of_this_boot(lines, said["boot"].splitlines()))


def _of_this_boot(lines: Iterable[str], times: list[str]) -> Iterable[str]:
    """rsyslog's lines begin with an ISO time or, as RFC 3164 has it, with one without a year."""
    boot, now = (datetime.fromisoformat(time) for time in times)
    for line in lines:
        when = _time(line, now)
        if when is None or when >= boot:
            yield line


def _time(line: str, now: datetime) -> datetime | None:
    try:
        if line[:1].isdecimal():
            return datetime.fromisoformat(line[:19])
        when = datetime.strptime(f"{now.year} {line[:15]}", "%Y %b %d %H:%M:%S")
        return when if when <= now else when.replace(year=now.year - 1)
    except ValueError:
        return None


def _kernel(said: Mapping[str, str]) -> Lines | Unknown:
    told = said.get("dmesg", said.get("seen"))
    return Unknown("not permitted") if told is None else _bare(told)


def _bare(text: str) -> Lines:
    """The lines without the bars that stand before what others may have written."""
    return tuple(line.removeprefix("|") for line in text.splitlines() if line)


def _label(said: Mapping[str, str], kernel: Lines | Unknown) -> bool | Unknown:
    if "audit" not in said:
        return False  # SELinux is not there, so that it denies nothing
    boot = re.search(r"^boot=(\d+)", said["audit"], re.M)
    for line in said["audit"].splitlines():
        when = re.search(r"audit\((\d+)", line)
        if _LABEL.search(line) and when and boot and int(when[1]) >= int(boot[1]):
            return True
    found = _any(_LABEL, kernel)
    if found is True:
        return True
    return Unknown("not permitted") if denied(said["audit"]) else found
