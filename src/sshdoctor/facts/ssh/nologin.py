"""The files that close the host to everybody but root: /etc/nologin and /run/nologin.

Sources: nologin(5), pam_nologin(8), systemd-user-sessions.service(8), shutdown(8). Measured on Debian 11, 12
and 13: where PAM is asked and its account stack for sshd has pam_nologin, either file closes the connection
in the login (root sees the text and gets in); without PAM sshd itself shows /etc/nologin, that file alone,
and ends the session. systemd keeps /run/nologin while it boots, in emergency and rescue mode, and from five
minutes before a shutdown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from sshdoctor.facts.offline.accounts_and_paths import printed, quoted
from sshdoctor.facts.parsing import pam as _pam
from sshdoctor.facts.parsing import words
from sshdoctor.facts.parsing.output import evidence, parts, properties, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

if TYPE_CHECKING:
    from sshdoctor.disk import Disk

COMMANDS = {
    "files": _pam.FITTING
    + """
echo '## seen'
others=$(sed -n 's/^[^#]*pam_nologin.* file=\\(\\/[^[:space:]]*\\).*/\\1/p' /etc/pam.d/* 2>/dev/null)
for file in /run/nologin /etc/nologin $others; do
  [ ! -e "$file" ] || { echo "## file $file"; head -n 3 "$file" 2>&1 | cut -c1-300 | sed 's/^/|/'; seen=yes; }
done
[ -n "$seen" ] || exit 0
echo '## system'
if [ -d /run/systemd/system ]; then
  echo "mode=$(systemctl is-system-running 2>&1)"
  echo "sessions=$(systemctl is-active systemd-user-sessions.service 2>&1)"
  [ ! -e /run/systemd/shutdown/scheduled ] || echo scheduled=yes
fi
stacks '^[^#]*(pam_nologin|include|substack)'
true
"""
}


class Nologin(Struct, frozen=True, kw_only=True):
    """``state``: absent; closed; boot or shutdown, while /run/nologin is there for one of these.

    ``path`` is the file that counts; ``left`` are those that are there for no boot and no shutdown.
    ``in_etc`` says that /etc/nologin is there, which is all that sshd looks at without PAM; ``pam_asks`` that
    PAM's account stack for sshd has pam_nologin.
    """

    state: str
    path: str
    left: tuple[str, ...]
    text: str
    in_etc: bool
    pam_asks: bool
    evidence: tuple[Evidence, ...]


VALUE = Nologin
WRITERS = {"": "root"}
_FILE, _RUN = "/etc/nologin", "/run/nologin"
_PAM_LINE = re.compile(r"^[^#]*(pam_nologin|include|substack)")


def on_disk(disk: Disk, user: str) -> Nologin | Unknown:
    """/run/nologin is gone after a boot: only the file in /etc counts."""
    if not disk.is_there(_FILE):
        return parse({"files": printed("## seen\n")})
    said = [f"## seen\n## file {_FILE}", quoted((disk.text_if_any(_FILE) or "")[:900])]
    files = (*disk.glob("/usr/lib/pam.d/*"), *disk.glob("/etc/pam.d/*"))
    for name, path in {path.rpartition("/")[2]: path for path in files}.items():
        lines = [line for line in (disk.text_if_any(path) or "").splitlines() if _PAM_LINE.match(line)]
        said += [f"## pam {name}", *lines]
    return parse({"files": printed("\n".join(said))})


def parse(sections: Mapping[str, Section]) -> Nologin | Unknown:
    if cut := unseen(sections["files"]):
        return cut
    said = parts(sections["files"].output)
    if "seen" not in said:
        return Unknown("its output is not there")
    files = {words.path(name[5:]): text for name, text in said.items() if name.startswith("file ")}
    services = {name[4:]: text for name, text in said.items() if name.startswith("pam ")}
    stack = _pam.entries(services, _service(services), "account")
    asked = _asked([arguments for module, arguments in stack if module == "pam_nologin.so"])
    there = [file for file in (*asked, _FILE) if file in files]
    path = there[0] if there else next(iter(files), "")
    passing = _passing(properties(said.get("system", "")))
    lines = [line.removeprefix("|") for line in files.get(path, "").splitlines()]
    return Nologin(
        state=_state(files, passing),
        path=path,
        left=tuple(file for file in sorted(files) if file != _RUN or not passing),
        text=" ".join(line.strip() for line in lines) or ("(empty)" if path else ""),
        in_etc="/etc/nologin" in files,
        pam_asks=path in asked,
        evidence=evidence(f"cat {path}", lines or ["(empty)"]) if path else (),
    )


def _asked(lines: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The files that lines of pam_nologin with these arguments look at (pam_nologin(8), file=)."""
    named = [[word[5:] for word in line if word.startswith("file=")] for line in lines]
    return tuple(dict.fromkeys(file for files in named for file in files or (_FILE, _RUN)))


def _service(services: Mapping[str, str]) -> str:
    """PAM takes "other" for a service that has no file (pam.d(5))."""
    return "sshd" if "sshd" in services else "other"


def _state(files: Mapping[str, str], passing: str) -> str:
    if not files:
        return "absent"
    return "closed" if set(files) != {_RUN} or not passing else passing


def _passing(system: Mapping[str, str]) -> str:
    """The boot or shutdown that is under way, "" for none."""
    if "scheduled" in system or system.get("mode") == "stopping":
        return "shutdown"
    starting = system.get("mode") in ("initializing", "starting", "maintenance")
    return "boot" if starting and system.get("sessions") != "active" else ""
