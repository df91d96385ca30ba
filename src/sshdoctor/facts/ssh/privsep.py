"""The empty directory into which sshd locks its unprivileged half.

Sources: sshd(8) FILES; sshd.c: it must be there, owned by root, and not writable by group or others. Its path
is compiled in: the first of the known ones that the program contains. Under systemd the unit makes it each
time it starts (RuntimeDirectory=, systemd.exec(5)), so that its absence from a stopped host means nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from stat import S_IMODE
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.facts.offline.accounts_and_paths import OFF, owner, printed
from sshdoctor.facts.parsing import words
from sshdoctor.facts.parsing.output import evidence, properties
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.ssh.offline.programs import program
from sshdoctor.model import Evidence, Unknown

if TYPE_CHECKING:
    from sshdoctor.disk import Disk

COMMANDS = {
    "directory": """
sshd=$(command -v sshd) || exit 0
known='/run/sshd|/usr/share/empty.sshd|/var/empty(/sshd)?|/var/lib/sshd|/var/chroot/ssh'
directory=$(grep -zaxE -m 1 "$known" "$sshd" 2>/dev/null | tr -d '\\0')
echo "directory=$directory"
[ -n "$directory" ] || exit 0
name=${directory#/run/}
made=
[ ! -d /run/systemd/system ] ||
  made=$(systemctl show -p LoadState,RuntimeDirectory ssh.service sshd.service 2>/dev/null)
case $made in *LoadState=loaded*)
  echo "$made" | grep -E "^RuntimeDirectory=.*$name" | head -n 1 | sed 's/^/unit=/'
  made=told ;;
esac
if [ "$made" = told ]; then :
elif [ -d /run/systemd/system ]; then
  grep -hsE "^RuntimeDirectory=.*$name" /lib/systemd/system/ssh.service /lib/systemd/system/sshd.service \\
    /etc/systemd/system/ssh.service /etc/systemd/system/sshd.service \\
    /etc/systemd/system/ssh.service.d/*.conf /etc/systemd/system/sshd.service.d/*.conf | sed 's/^/unit=/'
else
  grep -hsE "mkdir.* $directory" /etc/init.d/ssh /etc/init.d/sshd | sed 's/^ */unit=/'
fi
stat -c 'stat=%a %u %U %F' "$directory" 2>&1
true
"""
}


class Privsep(Struct, frozen=True, kw_only=True):
    """``state``: ok, missing, unsafe. ``provided_by_unit``: starting the service makes the directory."""

    directory: str
    state: str | Unknown
    mode: str
    owner: str
    provided_by_unit: bool
    evidence: tuple[Evidence, ...]


VALUE = Privsep
WRITERS = {"": "root"}
_KNOWN = re.compile(
    rb"\0(/run/sshd|/usr/share/empty\.sshd|/var/empty(?:/sshd)?|/var/lib/sshd|/var/chroot/ssh)\0"
)
_UNITS = (
    "/lib/systemd/system/ssh*.service",
    "/etc/systemd/system/ssh*.service",
    "/etc/systemd/system/ssh*.d/*.conf",
)


def on_disk(disk: Disk, user: str) -> Privsep | Unknown:
    """/run is empty at each boot: there only what makes the directory can be seen."""
    sshd = program(disk)
    if sshd is None:
        return parse({"directory": printed("")})
    named = _KNOWN.search(disk.read_program(sshd))
    directory = named[1].decode() if named else ""
    said = [f"directory={directory}"]
    made = re.compile(rf"^RuntimeDirectory=.*{directory.removeprefix('/run/')}", re.M)
    for path in (path for pattern in _UNITS for path in disk.glob(pattern)):
        said += [f"unit={found}" for found in made.findall(disk.text_if_any(path) or "") if directory]
    if disk.is_directory(directory) and not directory.startswith("/run/"):
        found = disk.stat(directory)
        who = owner(found.st_uid, disk=disk)
        said.append(f"stat={S_IMODE(found.st_mode):o} {found.st_uid} {who} directory")
    privsep = parse({"directory": printed("\n".join([*said, "No such file or directory"]))})
    if isinstance(privsep, Unknown) or not directory.startswith("/run/"):
        return privsep
    return replace(privsep, state=OFF)


def parse(sections: Mapping[str, Section]) -> Privsep | Unknown:
    output = sections["directory"].output
    said = properties(output)
    if "directory" not in said:
        return Unknown("sshd is not installed")
    if not said["directory"]:
        return Unknown("sshd does not show which directory it uses")
    found = re.search(r"^stat=([0-7]+) (\d+) (\S+) (.+)$", output, re.M)
    directory = words.path(said["directory"])
    return Privsep(
        directory=directory,
        state=_state(found, output),
        mode=f"{int(found[1], 8):04o}" if found else "",
        owner=found[3] if found else "",
        provided_by_unit="unit" in said,
        evidence=evidence(
            f"ls -ld {directory}; systemctl cat ssh | grep RuntimeDirectory",
            [line for line in output.splitlines() if not line.startswith("directory=")],
        ),
    )


def _state(found: re.Match[str] | None, output: str) -> str | Unknown:
    if not found:
        missing = re.search(r"No such file or directory|Not a directory", output)
        return "missing" if missing else Unknown("not permitted")
    if found[4] != "directory":
        return "missing"
    return "unsafe" if found[2] != "0" or int(found[1], 8) & 0o022 else "ok"
