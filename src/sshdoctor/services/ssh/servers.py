"""Which processes are SSH servers: the one rule for every fact that looks for one.

Anybody may call a program sshd, and write what he likes into its arguments. A server is one by its owner
and by its program: root runs it (its real user id, which a set-user-id program leaves as it was: proc(5),
status), and the program's file (proc(5), exe) bears a server's name, and is, with every folder on its way,
root's alone to write. Of anything else nothing goes into the probe's output.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from sshdoctor.model import Unknown

FIND = Path(__file__).with_suffix(".sh").read_text(encoding="utf-8")
"""Shell functions; ``find_servers`` prints the parts ``servers``, ``unseen``, ``hidden`` of an output."""


class Servers(Struct, frozen=True):
    """The programs of those that there are, by process id; ``hidden`` says why there may be others."""

    programs: Mapping[int, str]
    hidden: Unknown | None

    @property
    def there_are_none(self) -> bool:
        """None at all, as is known for certain."""
        return not self.programs and self.hidden is None


def read(said: Mapping[str, str]) -> Servers:
    """What ``find_servers`` printed."""
    rows = [line.partition(" ") for line in said.get("servers", "").splitlines()]
    programs = {int(pid): exe for pid, _, exe in rows if pid.isdecimal()}
    if "hidden" in said:
        return Servers(programs, Unknown("not permitted to see other users' processes"))
    if "unseen" in said:
        return Servers(programs, Unknown("not permitted to see which program a process runs"))
    return Servers(programs, None)
