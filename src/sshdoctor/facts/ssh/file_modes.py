"""Files of the system whose modes are what no package gives them: the traces of a recursive chmod.

Sources: the packages of Debian 11 to 13, Ubuntu, AlmaLinux (dpkg -c, rpm -qlv); hier(7). sudo, su and passwd
bear the set-user-ID bit everywhere; what stands below /etc and /usr is writable by nobody but root.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from sshdoctor.facts.parsing.output import evidence, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

COMMANDS = {
    "modes": """
for file in / /etc /etc/ssh /etc/ssh/sshd_config /etc/pam.d /etc/pam.d/sshd /etc/passwd /etc/group \\
  /etc/shadow /etc/sudoers /etc/profile /etc/hosts /usr /usr/bin /usr/sbin /usr/lib /usr/bin/sudo \\
  /usr/bin/su /usr/bin/passwd /usr/sbin/sshd /var /var/log /home /root /tmp /var/tmp
do
  [ ! -e "$file" ] || set -- "$@" "$file"
done
stat -L -c '%a %u %n' "$@" 2>/dev/null
true
"""
}


class FileModes(Struct, frozen=True, kw_only=True):
    """``wrong``: the files whose modes no package gives, with their modes. ``many``: so many that a recursive
    chmod went over them, rather than one that was meant for one file."""

    wrong: tuple[str, ...]
    many: bool
    evidence: tuple[Evidence, ...]


VALUE = FileModes
WRITERS = {"": "root"}

_LINE = re.compile(r"([0-7]{1,5}) (\d{1,10}) (/\S{0,60})")
_SET_ID = ("/usr/bin/sudo", "/usr/bin/su", "/usr/bin/passwd")
_SECRET = ("/etc/shadow", "/etc/sudoers")
_PASSED = ("/", "/etc", "/usr", "/usr/bin", "/usr/sbin", "/usr/lib", "/var", "/home")
_SHARED = ("/tmp", "/var/tmp")  # noqa: S108 - read, not written
_MANY = 3


def parse(sections: Mapping[str, Section]) -> FileModes | Unknown:
    if cut := unseen(sections["modes"]):
        return cut
    found = [match for line in sections["modes"].output.splitlines() if (match := _LINE.fullmatch(line))]
    if not found:
        return Unknown("stat prints nothing here")
    wrong = tuple(_wrong((match[3], int(match[1], 8)) for match in found))
    hardened = all(line.endswith(_SET_ID) for line in wrong)  # somebody takes that bit away on purpose
    many = len(wrong) >= _MANY and not hardened
    return FileModes(wrong=wrong, many=many, evidence=evidence("stat -c '%a %n'", wrong))


def _wrong(files: Iterator[tuple[str, int]]) -> Iterator[str]:
    return (f"{mode:04o} {name}" for name, mode in files if _is_wrong(name, mode))


def _is_wrong(name: str, mode: int) -> bool:
    """
    >>> _is_wrong("/etc", 0o777), _is_wrong("/usr/bin/sudo", 0o755), _is_wrong("/tmp", 0o1777)
    (True, True, False)
    """
    if name in _SHARED:
        return mode & 0o777 != 0o777 or not mode & 0o1000
    if name in _SET_ID and not mode & 0o4000:
        return True
    if name in _PASSED and not mode & 0o001:
        return True
    return bool(mode & 0o002) or (name in _SECRET and bool(mode & 0o004))
