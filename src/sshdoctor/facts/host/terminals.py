"""Whether a login can be given a terminal: /dev/ptmx, the file system devpts, and how many there may be.

Sources: pty(7), pts(4); the kernel's Documentation/filesystems/devpts.rst and /proc/sys/kernel/pty.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from sshdoctor.facts.parsing.output import evidence, number, properties
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

COMMANDS = {
    "devices": """
[ -r /proc/mounts ] || exit 0
[ -c /dev/ptmx ] && echo ptmx=device || echo ptmx=none
echo "number=$(stat -L -c %t:%T /dev/ptmx 2>/dev/null)"
echo "mounted=$(sed -n 's,^[^ ]* /dev/pts \\([^ ]*\\) .*,\\1,p' /proc/mounts | tail -n 1)"
for name in nr max; do
  file=/proc/sys/kernel/pty/$name
  [ ! -r "$file" ] || { read -r count <"$file"; echo "$name=$count"; }
done
true
"""
}


class Terminals(Struct, frozen=True, kw_only=True):
    """``state``: good; no-devpts (not mounted); no-ptmx (/dev/ptmx is missing, or another device); used-up.

    ``most`` is how many there may be, 0 where that is not known.
    """

    state: str
    most: int
    evidence: tuple[Evidence, ...]


VALUE = Terminals
_PTMX = "5:2"
"""Its device numbers (pts(4)); a host without stat does not tell them."""
WRITERS = {"": "kernel"}


def parse(sections: Mapping[str, Section]) -> Terminals | Unknown:
    output = sections["devices"].output
    said = properties(output)
    if "mounted" not in said:
        return Unknown("/proc/mounts cannot be read")
    used, most = number(said.get("nr")) or 0, number(said.get("max")) or 0
    other = said.get("number", "") not in (_PTMX, "")
    state = "good"
    if said["mounted"] != "devpts":
        state = "no-devpts"
    elif said.get("ptmx") == "none" or other:
        state = "no-ptmx"
    elif most and used >= most:
        state = "used-up"
    return Terminals(
        state=state,
        most=most,
        evidence=evidence("stat /dev/ptmx; grep devpts /proc/mounts", output.splitlines()),
    )
