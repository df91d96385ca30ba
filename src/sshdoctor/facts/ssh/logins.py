"""What a login of this client waits for: programs that the server started for it, and that still run.

Sources: proc(5) stat (start time in ticks since the boot), cmdline. What PAM runs is a child of the process
of the connection ("sshd: USER [priv]"); what the user's start files run is the user's, and belongs to process
1 once the client has gone. Only what began with this dial counts, and nothing of the probe's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from sshdoctor.facts.parsing.output import evidence, parts
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.ssh.parsing import server_processes
from sshdoctor.model import Evidence, Unknown

_TICKS = 100
PROBE = "read -r word; read -r pid name state parent group rest"
"""In the command line of each shell of this program's own (access/shell.py), which may have been cut off."""
_SLACK = 2.0
"""Seconds by which the two clocks may differ."""

ONCE = server_processes.ONCE
COMMANDS = {
    "waiting": server_processes.KNOWN
    + """
[ -n "$user" ] && [ -n "$age" ] && [ -r /proc/uptime ] || exit 0
echo '## times'; cat /proc/uptime; echo $(( $(date +%s) - began + age ))
# children PID...: as $children.
children() {
  IFS='|'; parents="$*"; unset IFS; children=
  for file in $(grep -lsE "^PPid:[[:space:]]+($parents)\\$" /proc/[0-9]*/status); do
    file=${file#/proc/}; children="$children ${file%/status}"
  done
}
below='' found=''
if [ -n "$servers" ]; then
  children $servers; set --
  for pid in $servers $children; do set -- "$@" "/proc/$pid/cmdline"; done
  for file in $(grep -lasF -e ": $user" "$@"); do file=${file#/proc/}; below="$below ${file%/cmdline}"; done
fi
uid=$(id -u -- "$user" 2>/dev/null) || uid=0
if [ "$uid" != 0 ]; then
  own=$(grep -lsE "^Uid:[[:space:]]+${uid}[[:space:]]" /proc/[0-9]*/status)
  [ -z "$own" ] || found=$(grep -lsE '^PPid:[[:space:]]+1$' $own | tr -dc '0-9\\n')
fi
[ -z "$found" ] || below="$below $found"
for depth in 1 2 3 4 5 6 7; do
  [ -n "$below" ] || break
  children $below
  below=$children found="$found $children"
done
for pid in $found; do
  ! grep -qs "SSHDOCTOR_RUN=$SSHDOCTOR_RUN" "/proc/$pid/environ" || continue
  { read -r stat <"/proc/$pid/stat"; } 2>/dev/null || continue
  echo "## process $pid"; echo "|$stat"
  echo "|$(tr '\\000-\\037\\177' ' ' <"/proc/$pid/cmdline" 2>/dev/null | cut -c1-300)"
done
true
"""
}


class Logins(Struct, frozen=True, kw_only=True):
    """``waits`` are the command lines of what a login of this dial's user still runs, each started by the one
    before it; () if nothing does. ``script`` is the last of them that is a script, else the last: what to end
    and to mend; ``pid`` is its number, ``seconds`` how long it has run."""

    waits: tuple[str, ...]
    script: str
    pid: int | None
    seconds: int
    shell_itself: bool
    """The last of them is a shell, which runs no program and waits nevertheless."""
    evidence: tuple[Evidence, ...]


class _Process(Struct, frozen=True):
    pid: int
    parent: int
    started: float
    command: str


VALUE = Logins
WRITERS = {"": "account"}
OF_REFUSALS = True
_SHELL = re.compile(r"-?(?:\S*/)?(?:ba|da|z|k|mk|tc|c|fi)?sh(?: |$)")
_SCRIPT = re.compile(
    r"^(?:\S*/)?(?:ba|da|z|k)?sh (?:-\w+ )*(/\S+)|^(?:(?=\S*python)\S+|\S*perl) (/\S+)|^(/\S+\.sh)\b"
)


def parse(sections: Mapping[str, Section]) -> Logins | Unknown:
    said = parts(sections["waiting"].output)
    if "times" not in said:
        return Unknown("nobody is named who logs in, or it is not known since when")
    uptime, age = (float(line.split()[0]) for line in said["times"].splitlines()[:2])
    seen = [one for name, text in said.items() if name.startswith("process ") for one in _process(text)]
    ours = {one.pid: one for one in seen if one.started > uptime - age - _SLACK}
    leaves = [one for one in ours.values() if one.pid not in {each.parent for each in ours.values()}]
    chain = max((_chain(leaf, ours) for leaf in leaves), key=len, default=[])
    chain = [one for one in chain if not re.match(r"sshd(-session)?: ", one.command)]
    chain = [] if any(PROBE in one.command for one in chain) else chain
    scripts = [(one, found) for one in chain if (found := _script(one.command))]
    last = chain[-1] if chain else None
    what, script = scripts[-1] if scripts else (last, last.command if last else "")
    return Logins(
        waits=tuple(one.command for one in chain),
        script=script,
        pid=what.pid if what else None,
        seconds=round(uptime - what.started) if what else 0,
        shell_itself=last is not None and bool(_SHELL.match(last.command)),
        evidence=evidence("ps -ef --forest", [f"{one.pid} {one.command}" for one in chain]),
    )


def _process(text: str) -> Iterator[_Process]:
    """One process, of its two lines; a line that is not as the kernel writes it is passed over."""
    lines = [line.removeprefix("|") for line in text.splitlines()]
    found = re.fullmatch(r"(\d+) \(.*\) \S (\d+)(?: -?\d+){17} (\d+) .*", lines[0]) if lines else None
    if found and len(lines) > 1 and lines[1].strip():
        yield _Process(int(found[1]), int(found[2]), int(found[3]) / _TICKS, ascii(lines[1].strip())[1:-1])


def _chain(leaf: _Process, known: Mapping[int, _Process]) -> list[_Process]:
    """From the first to ``leaf``."""
    chain, one = [leaf], known.get(leaf.parent)
    while one is not None and one not in chain:
        chain.insert(0, one)
        one = known.get(one.parent)
    return chain


def _script(command: str) -> str:
    """The file that a command line runs by an interpreter, "" if it runs none.

    >>> _script("/bin/sh /etc/update-motd.d/50-landscape"), _script("sleep 1000")
    ('/etc/update-motd.d/50-landscape', '')
    """
    found = _SCRIPT.match(command)
    return next((part for part in found.groups() if part), "") if found else ""
