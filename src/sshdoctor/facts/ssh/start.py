"""Why systemd does not run the SSH service: the state of its unit, and the words of its last start.

Sources: systemctl(1), systemd.unit(5) (LoadState, conditions, Requires=), systemd.service(5) (Result),
systemd.exec(5) (exit statuses 200 to 245), org.freedesktop.systemd1(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from shlex import quote
from typing import Any

from msgspec import Struct

from sshdoctor.facts.parsing import systemd
from sshdoctor.facts.parsing.journal_lines import Line, journal_lines
from sshdoctor.facts.parsing.output import evidence, number, parts, properties
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.parsing.words import plain_name, unit_name
from sshdoctor.facts.ssh.parsing import last_start
from sshdoctor.facts.ssh.parsing.retries import is_retried, last_two, result_before
from sshdoctor.model import Command, Evidence, Unknown
from sshdoctor.services.ssh.programs import LOGGING

COMMANDS = {
    "unit": """
[ -d /run/systemd/system ] || { echo '## none'; exit 0; }
service() {
  systemctl show -p Id,LoadState,LoadError,ActiveState,SubState,NRestarts,Result \\
    -p ConditionResult,AssertResult \\
    -p FragmentPath,DropInPaths,Type,TimeoutStartUSec,ExecCondition,ExecStartPre,ExecStart,ExecStartPost \\
    -p InvocationID,RuntimeMaxUSec,WatchdogUSec,User,ActiveEnterTimestampMonotonic \\
    -p ExecMainExitTimestampMonotonic,ExecMainCode,ExecMainStatus \\
    -p InactiveExitTimestampMonotonic,ProtectHome,InaccessiblePaths,TemporaryFileSystem,RootDirectory \\
    -p Requires,BindsTo,Requisite "$1.service" 2>&1
}
# value NAME TEXT: one property of what systemctl showed, as $value.
value() {
  value="
$2
" value=${value#*"
$1="}
  [ "$value" != "
$2
" ] && value=${value%%"
"*} || value=
}
for unit in ssh sshd; do
  service=$(service $unit)
  value LoadState "$service"; load=$value
  case $load in ''|not-found) ;; *) break ;; esac
done
socket=$(systemctl show -p Id,LoadState,ActiveState,Result,InvocationID,DropInPaths,FragmentPath \\
  -p BindIPv6Only,NRestarts "$unit.socket" 2>&1)
echo '## service'; echo "$service"
echo '## socket'; echo "$socket"
echo '## conditions'
case $service in *ConditionResult=no* | *AssertResult=no*)
  systemctl status --no-pager -n 0 "$unit.service" 2>/dev/null | grep -aE '(Condition|Assert)[A-Za-z]*[=:]' ;;
esac
[ "$load" != masked ] ||
  sed -n 's/^ConditionPathExists=!//p' "/lib/systemd/system/$unit.service" 2>/dev/null |
  while read -r path; do [ ! -e "$path" ] || echo "ConditionPathExists=!$path was not met"; done
echo '## required'
bound=
value BindsTo "$service"; bound=$value
value Requisite "$service"; bound="$bound $value"
value Requires "$service"; set --
for each in $value $bound; do
  case $each in *.slice|*.target|"$unit.socket") ;; *) set -- "$@" "$each" ;; esac
done
[ $# = 0 ] || systemctl show -p Id,LoadState,ActiveState,SubState,Result,Type "$@" 2>&1
echo '## drop-ins'
value DropInPaths "$service"
for file in $value; do
  sed -n "/^\\[Service]/,/^\\[[^S]/s|^\\([A-Z][A-Za-z]*=.\\{1,200\\}\\)|$file \\1|p" "$file" 2>/dev/null
done
echo '## socket drop-ins'
value DropInPaths "$socket"
for file in $value; do
  sed -n "/^\\[Socket]/,/^\\[[^S]/s|^\\([A-Z][A-Za-z]*=.\\{1,200\\}\\)|$file \\1|p" "$file" 2>/dev/null
done
echo '## dropped'
case $service in *ActiveState=inactive*)
  journalctl -q -b -n 500 -p err -o cat --no-pager _PID=1 2>/dev/null |
  grep -aE "Job $unit\\.(service|socket)/start deleted to break ordering cycle" | tail -n 1 ;;
esac
echo '## bound'; echo "$bound"
for kind in service socket; do
  said=$service; [ $kind = service ] || said=$socket
  value LoadState "$said"; [ "$value" != not-found ] || continue
  value InvocationID "$said"; id=$value
  value ActiveState "$said"; state=$value
  value NRestarts "$said"; again=$value
  value Result "$said"
  # Of a socket unit that was left alone there is nothing to tell.
  case $kind$id$state$value in socketinactivesuccess) continue ;; esac
  echo "## last $kind"
  fields=MESSAGE,_PID,_UID,_EXE,SYSLOG_IDENTIFIER,_TRANSPORT
  if [ "$state" = activating ] && [ "${again:-0}" != 0 ]; then
    set -- _UID=0 "_SYSTEMD_UNIT=$unit.$kind" + _PID=1 "UNIT=$unit.$kind" # what ended the one before counts
  elif [ -n "$id" ]; then set -- _UID=0 "_SYSTEMD_INVOCATION_ID=$id" + _PID=1 "INVOCATION_ID=$id"
  else set -- _PID=1 "UNIT=$unit.$kind"; fi
  journalctl -q -b -n 40 -o json --output-fields=$fields --no-pager "$@" 2>&1
done
true
"""
}


class Start(Struct, frozen=True, kw_only=True):
    """``load_state`` and ``result`` are systemd's words; ``condition`` is one that is not met, or "".

    ``failed_command`` is a command of the unit that ended badly, ``failed_status`` its exit status;
    ``failed_requirement`` a unit that this one requires and that is not there, or failed. ``files`` are the
    unit's own file and its drop-ins, the last one first. ``lines`` were written at the last start.
    ``began``: that start came to its end, so that what ended the unit came later. ``runtime_max`` and
    ``watchdog`` are the times of RuntimeMaxSec= and WatchdogSec=, as systemd prints them, "" for none.
    ``run_as`` is User=, "" for root. ``hides`` are the settings that take folders from what runs in the unit,
    as (NAME=VALUE, folder). ``retried``: systemd is starting it once more after a start that failed, as
    ``retried_after`` says (a word of ``result``, "" where that is not seen); ``restarts`` is how often it
    did, and ``lines`` are the last failed start's as well.
    """

    unit: str
    load_state: str
    load_error: str
    active: str
    result: str
    kind: str
    condition: str
    condition_cure: Command
    failed_command: str
    failed_status: int
    signal: int
    """The signal that ended a command of the start, 0 for none."""
    ended: int
    """The status of a program that ended by itself at its start; 0 where it did not."""
    settings: tuple[str, ...]
    """What the drop-ins set for the service, as "LINE (FILE)"."""
    failed_requirement: str
    requirement_name: str
    files: tuple[str, ...]
    drop_in: str
    socket_unit: str
    socket_active: str
    socket_result: str
    socket_drop_in: str
    socket_settings: tuple[str, ...]
    """What the drop-ins of the socket unit set, as "LINE (FILE)"."""
    dropped: str
    """systemd's words of having dropped its start, where units wait for each other in a circle; else ""."""
    socket_v6_only: bool
    socket_said: str
    """What was written when the socket unit failed, or ""."""
    began: bool
    runtime_max: str
    watchdog: str
    run_as: str
    retried: bool
    retried_after: str
    restarts: int
    hides: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...] | Unknown
    evidence: tuple[Evidence, ...]

    @property
    def runs(self) -> bool:
        return self.active in ("active", "reloading")

    @property
    def left_to_socket(self) -> bool:
        """It rests, and its socket unit listens: that starts it, or another for each connection (Accept=)."""
        return (self.active, self.result, self.socket_active) == ("inactive", "success", "active")


VALUE = Start
WRITERS = {"": "root"}

_STARTING = ("ExecStartPre", "ExecStart", "ExecStartPost")
_COMMAND = last_start.COMMAND
_HOMES = ("/home", "/root", "/run/user")
"""What ProtectHome= takes away (systemd.exec(5))."""


def parse(sections: Mapping[str, Section]) -> Start | Unknown:
    said = parts(sections["unit"].output)
    if "none" in said or "service" not in said:
        return Unknown("systemd does not run here")
    unit, socket = properties(said["service"]), properties(said["socket"])
    if "LoadState" not in unit:
        return Unknown((said["service"].splitlines() or ["systemctl failed"])[0])
    command, status = _failed_command(said["service"], unit)
    condition = _condition(said["conditions"], unit)
    requirement, shown = _failed_requirement(said["required"], said.get("bound", "").split())
    retried = is_retried(unit)
    lines = journal_lines(said.get("last service", ""), LOGGING)
    if retried and not isinstance(lines, Unknown):
        lines = last_two(lines)
    socket_lines = journal_lines(said.get("last socket", ""), LOGGING)
    drop_ins = tuple(reversed(unit.get("DropInPaths", "").split()))
    return Start(
        unit=unit_name(unit["Id"]),
        load_state=unit["LoadState"],
        load_error=_unquoted(unit.get("LoadError", "")),
        active=unit.get("ActiveState", ""),
        result=unit.get("Result", ""),
        kind=unit.get("Type", ""),
        condition=condition,
        condition_cure=_cure(condition),
        failed_command=command,
        failed_status=status,
        signal=_signal(said["service"]),
        ended=last_start.ended(unit, said["service"]),
        settings=last_start.settings(said.get("drop-ins", "")),
        failed_requirement=requirement,
        requirement_name=requirement.partition(" ")[0],
        files=(*drop_ins, *unit.get("FragmentPath", "").split()),
        drop_in=drop_ins[0] if drop_ins else "",
        socket_unit=unit_name(socket["Id"]) if "Id" in socket else "",
        socket_active=socket.get("ActiveState", ""),
        socket_result=socket.get("Result", ""),
        socket_drop_in=(socket.get("DropInPaths", "").split() or [""])[-1],
        socket_settings=last_start.settings(said.get("socket drop-ins", "")),
        dropped=said.get("dropped", "").strip(),
        socket_v6_only=socket.get("BindIPv6Only") == "ipv6-only",
        socket_said=""
        if isinstance(socket_lines, Unknown) or not socket_lines
        else _last_words(socket_lines),
        began=_began(unit),
        runtime_max=_time(unit.get("RuntimeMaxUSec", "")),
        watchdog=_time(unit.get("WatchdogUSec", "")),
        run_as=plain_name(user) if (user := unit.get("User", "")) not in ("", "root", "0") else "",
        retried=retried,
        retried_after=result_before(unit, lines) if retried else "",
        restarts=number(unit.get("NRestarts")) or 0,
        hides=tuple(_hides(unit)),
        lines=lines,
        evidence=_shown(unit, condition, shown, lines),
    )


def _began(unit: Mapping[str, str]) -> bool:
    """The unit became active after it was last begun with."""
    active, begun = (
        int(unit.get(f"{name}TimestampMonotonic") or 0) for name in ("ActiveEnter", "InactiveExit")
    )
    return active > 0 and active >= begun


def _time(text: str) -> str:
    """ "" where the time is none."""
    return "" if text in ("0", "infinity") else text


def _hides(unit: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Each folder that a setting takes away, after the setting."""
    if (word := unit.get("ProtectHome", "no")) in ("yes", "tmpfs"):
        yield from ((f"ProtectHome={word}", folder) for folder in _HOMES)
    for name in ("InaccessiblePaths", "TemporaryFileSystem"):
        for each in unit.get(name, "").split():
            folder = each.lstrip("-+").partition(":")[0]
            yield f"{name}={folder}", folder
    if (root := unit.get("RootDirectory", "")) not in ("", "/"):
        yield f"RootDirectory={root}", "/"


def _unquoted(text: str) -> str:
    """systemctl prints an error as its D-Bus name and its text in quotes."""
    found = re.search(r'"(.*)"', text)
    return found[1] if found else text


def _failed_command(text: str, unit: Mapping[str, Any]) -> tuple[str, int]:
    """The first command that ended badly, and that systemd minds, with its status; ("", 0) if none did."""
    for line in text.splitlines():
        key, _, value = line.partition("=")
        found = _COMMAND.search(value) if key in _STARTING else None
        if not found or "ignore_errors=yes" in value or found["code"] not in ("exited", "killed"):
            continue
        status = int(found["status"])
        if found["argv"].endswith("/sshd -t") and not last_start.of_helper(status):
            continue  # Debian's own test of the configuration: what it found is told by that
        if status and (key != "ExecStart" or 200 <= status <= 245) and unit.get("ActiveState") != "active":
            return f"{key}={found['argv']}", status
    return "", 0


def _signal(text: str) -> int:
    for line in text.splitlines():
        key, _, value = line.partition("=")
        found = _COMMAND.search(value) if key in _STARTING else None
        if found and found["code"] in ("killed", "dumped"):
            return int(found["status"])
    return 0


def _condition(text: str, unit: Mapping[str, str]) -> str:
    if unit.get("Result") == "exec-condition" and (asked := _COMMAND.search(unit.get("ExecCondition", ""))):
        return f"ExecCondition={asked['argv']}"
    if (
        unit.get("LoadState") != "masked"
        and unit.get("ConditionResult") != "no"
        and unit.get("AssertResult") != "no"
    ):
        return ""
    if unit.get("ActiveState") == "active":
        return ""
    found = re.search(r"(?<!\w)((?:Condition|Assert)\w+=.*?)(?: was not met)?$", text, re.M)
    return found[1].strip() if found else ""


def _cure(condition: str) -> Command:
    """What a person does about a condition of the commonest kinds.

    >>> _cure("ConditionPathExists=!/etc/ssh/sshd_not_to_be_run")
    'rm /etc/ssh/sshd_not_to_be_run'
    """
    found = re.fullmatch(r"(?=\w+Path)\w+=(\|?!?)(/\S+)", condition)
    if not found:
        return Command("make this condition hold, or take its line out of the unit (systemctl edit)")
    path = quote(found[2])
    return Command(f"rm {path}" if "!" in found[1] else f"put {path} in its place")


def _failed_requirement(text: str, bound: Sequence[str]) -> tuple[str, tuple[Evidence, ...]]:
    """Of the units in ``bound`` (BindsTo=, Requisite=) one that merely does not run is enough."""
    for unit in systemd.units(text).values():
        load, active = unit.get("LoadState", ""), unit.get("ActiveState", "")
        idle = unit["Id"] in bound and active == "inactive"
        if load in ("not-found", "masked", "bad-setting", "error") or active == "failed" or idle:
            state = load if load != "loaded" else active if idle else f"{active}, {unit.get('Result', '')}"
            return f"{unit['Id']} ({state})", systemd.shown(unit)
    return "", ()


def _last_words(lines: tuple[Line, ...] | Unknown) -> str:
    """Why the socket could not be made, as far as systemd said it."""
    if isinstance(lines, Unknown) or not lines:
        return ""
    found = [line.message for line in lines if line.trusted and "Failed to" in line.message]
    trusted = [line.message for line in lines if line.trusted]
    return found[0] if found else trusted[-1] if trusted else ""


def _shown(
    unit: Mapping[str, str], condition: str, required: tuple[Evidence, ...], lines: tuple[Line, ...] | Unknown
) -> tuple[Evidence, ...]:
    said = () if isinstance(lines, Unknown) else tuple(line.message for line in lines[-6:])
    keys: tuple[str, ...] = (
        "LoadState",
        "LoadError",
        "ActiveState",
        "SubState",
        "Result",
        "ConditionResult",
        "AssertResult",
        "DropInPaths",
    )
    if is_retried(unit):
        keys = (*keys, "NRestarts")
    own = [f"{key}={unit[key]}" for key in keys if unit.get(key)] + ([condition] if condition else [])
    return (
        *evidence(f"systemctl show {unit.get('Id', '')}", own),
        *required,
        *evidence(f"journalctl -b -u {unit.get('Id', '')}", said),
    )
