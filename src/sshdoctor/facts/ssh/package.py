"""The package that brings the SSH server, its program, and whether the program loads.

Sources: dpkg-query(1) (three letters: wanted, status, error), rpm(8), apk(8), pacman(8). ``sshd -V`` loads
all libraries, prints the version and exits (9.x); an older one says "unknown option" and the version.
LD_BIND_NOW finds a missing symbol now instead of in the middle of a login (ld.so(8)). From OpenSSH 9.8 on,
sshd-session is the program that serves a connection: when only that one does not load, every client is
dropped before the banner.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from sshdoctor.facts.offline.accounts_and_paths import OFF
from sshdoctor.facts.parsing.output import evidence, parts, properties
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.ssh.offline.programs import SSHD, program
from sshdoctor.model import Evidence, Unknown

if TYPE_CHECKING:
    from sshdoctor.disk import Disk

COMMANDS = {
    "package": """
if [ -f /var/lib/dpkg/status ]; then
  echo '## dpkg'; dpkg-query -W -f '${db:Status-Abbrev}|${Package}|${Version}|\\n' openssh-server 2>&1
elif command -v rpm >/dev/null; then
  echo '## rpm'; rpm -q --qf 'ii |%{NAME}|%{VERSION}-%{RELEASE}|\\n' openssh-server 2>&1
elif command -v apk >/dev/null; then
  echo '## apk'; apk info -e -v openssh-server 2>&1
elif command -v pacman >/dev/null; then
  echo '## pacman'; pacman -Q openssh 2>&1
fi
# What the unit gives the loader, it gives sshd too.
set -- /etc/default/ssh /etc/sysconfig/sshd
for unit in ssh sshd; do
  unit=/etc/systemd/system/$unit.service
  set -- "$@" "$unit" "$unit".d/*.conf
done
loader=$(sed -n 's/^\\(Environment="*\\)*\\(LD_[A-Z_]*=[A-Za-z0-9_./:-]*\\).*/\\2/p' "$@" 2>/dev/null)
run() {
  said=$(env $loader LD_BIND_NOW=1 "$1" -V 2>&1); echo "status=$?"; echo "$said" | head -n 5
  [ -z "$loader" ] || echo "loader="$loader
}
echo '## program'
set -- /usr/sbin/sshd /usr/local/sbin/sshd /opt/openssh/sbin/sshd
sshd=$(command -v sshd) || for sshd in "$@" ''; do
  [ ! -x "$sshd" ] || break
done
if [ -z "$sshd" ]; then
  echo '## closed'; stat -L -c '%a %n' "$@" 2>/dev/null
  exit 0
fi
echo "sshd=$sshd"
run "$sshd"
for session in /usr/lib/openssh /usr/libexec/openssh /usr/lib/ssh /usr/libexec; do
  session=$session/sshd-session
  [ -x "$session" ] || continue
  echo '## session'; echo "sshd=$session"; run "$session"
  break
done
true
"""
}


class Package(Struct, frozen=True, kw_only=True):
    """``manager``: dpkg, rpm, apk, pacman, none. ``state``: installed, removed (its configuration is left),
    half-configured, half-installed, unpacked, absent. ``binary`` is the path of sshd, None if there is none;
    ``closed`` is its path where nobody may execute it, else ""; ``release`` what it says of itself.
    ``loads`` is False where sshd, or sshd-session, does not start at all; ``load_error`` is its message.
    ``loader`` is what its unit sets for the loader (LD_LIBRARY_PATH ...), "" for nothing.
    """

    manager: str
    name: str
    state: str | Unknown
    version: str
    binary: str | None
    closed: str
    release: str
    loads: bool | Unknown
    load_error: str
    loader: str
    evidence: tuple[Evidence, ...]


VALUE = Package
WRITERS = {"": "root"}


def on_disk(disk: Disk, user: str) -> Package | Unknown:
    """Nothing is run: whether sshd loads is not known."""
    from sshdoctor.facts.ssh.offline.package import package_text  # only a disk needs it

    manager, answer = package_text(disk)
    state, version = _installed(manager, answer) if manager in _MANAGERS else (Unknown(answer), "")
    sshd = program(disk)
    named = re.search(rb"OpenSSH_[\w.]+", disk.read_program(sshd)) if sshd else None
    return Package(
        manager=manager,
        name=_MANAGERS.get(manager, "openssh-server"),
        state=state,
        version=version,
        binary=sshd,
        closed="" if sshd else next(filter(disk.is_file, SSHD), ""),
        release=named[0].decode() if named else "",
        loads=OFF,
        load_error="",
        loader="",
        evidence=evidence(_TYPED.get(manager, "ls -l /usr/sbin/sshd"), answer.splitlines()),
    )


_MANAGERS = {"dpkg": "openssh-server", "rpm": "openssh-server", "apk": "openssh-server", "pacman": "openssh"}
_DPKG = {
    "n": "absent",
    "c": "removed",
    "H": "half-installed",
    "U": "unpacked",
    "F": "half-configured",
    "W": "half-configured",
    "t": "installed",
    "i": "installed",
}
_TYPED = {
    "dpkg": "dpkg -l openssh-server",
    "rpm": "rpm -q openssh-server",
    "apk": "apk info -e openssh-server",
    "pacman": "pacman -Q openssh",
}
_EXECUTE = 0o111
_NEVER_RAN = 126
"""From here on: not executable, not found or not loaded (127), ended by a signal (128 and more)."""
_BROKEN = re.compile(
    r"error while loading shared libraries|symbol lookup error|version `[^`']*' not found|"
    r"OpenSSL version mismatch|Error loading shared library|Error relocating|undefined symbol|"
    r"[Ee]xec format error|(?:: |^)not found$|No such file or directory"
)


def parse(sections: Mapping[str, Section]) -> Package | Unknown:
    said = parts(sections["package"].output)
    manager = next((name for name in _MANAGERS if name in said), "none")
    answer = said.get(manager, "")
    state, version = _installed(manager, answer)
    programs = [_Program.of(said[part]) for part in ("program", "session") if said.get(part)]
    broken = next((program for program in programs if program.error), None)
    there = re.search(r"^([0-7]{1,5}) (/\S{1,60})$", said.get("closed", ""), re.M)
    barred = there is not None and not int(there[1], 8) & _EXECUTE
    found = evidence(_TYPED[manager], answer.splitlines()) if manager in _TYPED else ()
    return Package(
        manager=manager,
        name=_MANAGERS.get(manager, ""),
        state=state,
        version=version,
        binary=programs[0].path if programs else there[2] if there and not barred else None,
        closed=there[2] if there and barred else "",
        release=programs[0].release if programs else "",
        loads=_loads(programs),
        load_error=broken.error if broken else "",
        loader=broken.loader if broken else "",
        evidence=found + (evidence(f"{broken.path} -V", [broken.error]) if broken else ()),
    )


class _Program(Struct, frozen=True):
    """What ``PATH -V`` says; ``error`` is "" unless it did not load; ``loader``: see Package."""

    path: str
    release: str
    error: str
    loader: str

    @classmethod
    def of(cls, text: str) -> _Program:
        said = properties(text)
        status = int(said["status"])
        talk = [line for line in text.splitlines() if line and not re.match(r"(sshd|status|loader)=", line)]
        broken = [line for line in talk if _BROKEN.search(line)]
        if not broken and status >= _NEVER_RAN:
            broken = [*talk[:1], f"{said['sshd']} ended with status {status}"]
        release = re.search(r"^(OpenSSH_[^,\s]+(?: [^,]+)?|[Ss]un_SSH\S+)", "\n".join(talk), re.M)
        error = broken[0] if broken else ""
        return cls(said["sshd"], release[1] if release else "", error, said.get("loader", ""))


def _loads(programs: list[_Program]) -> bool | Unknown:
    if not programs:
        return Unknown("there is no sshd program that may be executed from here")
    if any(program.error for program in programs):
        return False
    silent = [program.path for program in programs if not program.release]
    return Unknown(f"{silent[0]} -V does not say its version") if silent else True


def _installed(manager: str, answer: str) -> tuple[str | Unknown, str]:
    """The state and the version, as each package manager prints them."""
    if manager == "none":
        return Unknown("no package manager that is known"), ""
    if manager == "apk":
        found = re.search(r"^openssh-server-(\d\S*)$", answer, re.M)
        return ("installed", found[1]) if found else ("absent", "")
    if manager == "pacman":
        found = re.search(r"^openssh (\S+)$", answer, re.M)
        return ("installed", found[1]) if found else ("absent", "")
    row = re.search(r"^(..)(.)\|openssh-server\|(.*?)\|$", answer, re.M)
    if row:
        return _DPKG.get(row[1][1], Unknown(f"dpkg status {row[1]!r}")), row[3]
    broken = re.search(r"^error: .*(?:rpmdb|Packages|db\d* error|database|dbenv)", answer, re.M)
    if broken:
        return Unknown(broken[0]), ""  # then rpm says of every package that it is not installed
    if re.search(r"no packages found|is not installed", answer):
        return "absent", ""
    return Unknown(answer.partition("\n")[0] or f"{manager} says nothing"), ""
