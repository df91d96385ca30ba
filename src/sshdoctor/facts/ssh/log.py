"""What sshd and the kernel wrote since the boot.

What a session logs stands among them where there is no logind; of a message only the first line is taken.
Sources: journalctl(1), systemd.journal-fields(7); the syslog files of Debian (auth.log) and Red Hat (secure);
dmesg(1); audit.log for SELinux's AVCs. The kernel's lines: mm/oom_kill.c ("Out of memory: Killed process N
(sshd)", "Memory cgroup out of memory: ..."), arch/*/mm/fault.c ("sshd[N]: segfault at").
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

COMMANDS = {
    "sshd": """
if [ -d /run/systemd/system ] && command -v journalctl >/dev/null; then
  echo '## journal'
  journalctl -q -b -n 100 -o short-iso --no-pager _SYSTEMD_UNIT=ssh.service + _SYSTEMD_UNIT=sshd.service \\
    + UNIT=ssh.service + UNIT=sshd.service + UNIT=ssh.socket + UNIT=sshd.socket \\
    + SYSLOG_IDENTIFIER=sshd + SYSLOG_IDENTIFIER=sshd-session 2>&1 | grep -av '^ ' | cut -c -2000
else
  for file in /var/log/auth.log /var/log/secure /var/log/messages /var/log/syslog; do
    [ -e "$file" ] || continue
    btime=$(sed -n 's/^btime //p' /proc/stat)
    echo '## boot'; date -d "@$btime" +%Y-%m-%dT%H:%M:%S; date +%Y-%m-%dT%H:%M:%S
    echo "## file $file"; tail -c 500000 "$file" 2>&1 | grep -aE 'sshd|[Pp]ermission denied' | tail -n 100
    break
  done
fi
true
""",
    "kernel": """
wanted='[(]sshd[a-z-]*[)]|task=sshd|sshd[a-z-]*[[][0-9]+]|name_bind|nf_conntrack: .*table full'
wanted="$wanted|Remounting filesystem read-only"
if dmesg >/dev/null 2>&1; then
  echo '## dmesg'; dmesg | grep -aE "$wanted"
elif [ -d /run/systemd/system ]; then
  lines=$(journalctl -k -q -b -n 2000 -o short-iso --no-pager 2>/dev/null)
  [ -z "$lines" ] || { echo '## seen'; echo "$lines" | grep -aE "$wanted"; }
fi
[ ! -e /sys/fs/selinux/enforce ] || {
  echo '## audit'; echo "boot=$(sed -n 's/^btime //p' /proc/stat)"
  tail -c 1000000 /var/log/audit/audit.log 2>&1 |
    grep -aE 'name_bind.*comm="sshd|[Pp]ermission denied' | tail -n 3
}
true
""",
}

Lines = tuple[str, ...]


class Log(Struct, frozen=True, kw_only=True):
    """``lines``: the last 20 of sshd. ``kernel``: those of the kernel that name sshd, or a full conntrack
    table, or a file system that went read-only.

    ``sshd_crash`` is the line of a segfault, "" if there is none. ``bind_error``: address-in-use,
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

_UNITS = [
    f"{field}={name}" for field in ("_SYSTEMD_UNIT", "UNIT") for name in ("ssh.service", "sshd.service")
]
_UNITS += ["UNIT=ssh.socket", "UNIT=sshd.socket", "SYSLOG_IDENTIFIER=sshd", "SYSLOG_IDENTIFIER=sshd-session"]
_FILES = ("/var/log/auth.log", "/var/log/secure", "/var/log/messages", "/var/log/syslog")


def on_disk(disk: Disk, user: str) -> Log | Unknown:
    """What the last boot wrote, or in a file without boots what came since the last good start."""
    from sshdoctor.facts.offline.journal import journal  # only a disk needs it

    lines = journal(disk, "-n", "100", *" + ".join(_UNITS).split())
    kernel = journal(disk, "-n", "2000", "_TRANSPORT=kernel")
    said, source = "", ""
    if not isinstance(lines, Unknown):
        said, source = f"## journal\n{lines}", "journalctl -D /var/log/journal -b -u ssh"
    elif path := next((path for path in _FILES if disk.is_file(path)), None):
        text = disk.read(path, most=500_000, tail=True).decode("utf-8", "backslashreplace")
        own = [line for line in text.splitlines() if "sshd" in line][-100:]
        ever = "1970-01-01T00:00:00\n9999-12-31T00:00:00"
        said, source = "\n".join(["## boot", ever, f"## file {path}", *own]), f"grep sshd {path}"
    seen = "" if isinstance(kernel, Unknown) else "\n".join(["## seen", *_naming_sshd(kernel)])
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
    wanted = re.compile(r"[(]sshd[a-z-]*[)]|task=sshd|sshd[a-z-]*[\[][0-9]+|name_bind|Remounting filesystem")
    return [line for line in text.splitlines() if wanted.search(line)]


_KEPT = 20
_LISTENS = re.compile(r"sshd\[\d+\]: Server listening on")
_BIND = re.compile(r"error: Bind to port \d+ on (\S+) failed: (.+)$")
_BIND_WORDS = {
    "Address already in use": "address-in-use",
    "Cannot assign requested address": "cannot-assign",
    "Permission denied": "permission-denied",
}
_OOM = re.compile(r"[Oo]ut of memory.*Kill(?:ed)? process \d+ \(sshd|oom-kill:.*\btask=sshd\b")
_CRASH = re.compile(r"sshd\S*\[\d+\]: segfault at|traps: sshd\S*\[\d+\]|code=dumped, status=\d+/")
_LABEL = re.compile(r"avc:\s+denied\s+\{[^}]*name_bind[^}]*\}.*comm=\"sshd")


def parse(sections: Mapping[str, Section]) -> Log | Unknown:
    source, lines = _sshd(parts(sections["sshd"].output))
    kernel = _kernel(parts(sections["kernel"].output))
    said = lines if isinstance(lines, tuple) else ()
    since = _since_last(said, _LISTENS)
    bound = [(line, match) for line in _last_start(said) if (match := _BIND.search(line))]
    crash = next((line for line in reversed((*_known(kernel), *said)) if _CRASH.search(line)), "")
    limited = any("repeated too quickly" in line for line in since)
    bind_word = _BIND_WORDS.get(bound[-1][1][2].rstrip("."), "other") if bound else ""
    return Log(
        source=source,
        lines=lines if isinstance(lines, Unknown) else lines[-_KEPT:],
        kernel=kernel,
        sshd_oom=_any(_OOM, kernel),
        sshd_crash=crash or (kernel if isinstance(kernel, Unknown) else ""),
        label_denied=_label(parts(sections["kernel"].output), kernel),
        bind_error=lines if isinstance(lines, Unknown) else bind_word,
        bind_text=bound[-1][0] if bound else "",
        start_limited=lines if isinstance(lines, Unknown) else limited,
        evidence=evidence(source, said[-6:]) + evidence("dmesg | grep sshd", _known(kernel)[-6:]),
    )


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
    lines = tuple(said[name].splitlines())
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
    if "dmesg" in said:
        return tuple(said["dmesg"].splitlines())
    if "seen" in said:
        return tuple(line for line in said["seen"].splitlines() if line)
    return Unknown("not permitted")


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
