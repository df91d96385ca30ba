"""The processes that are servers, as ``find_servers`` of services/servers.sh prints them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from sshdoctor.model import Unknown

_UNSEEN = "not permitted to see which program a process runs"


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
        return Servers(programs, Unknown(_UNSEEN + _why(said["unseen"])))
    return Servers(programs, None)


def _why(text: str) -> str:
    """Nobody looks into a process that has capabilities that he lacks himself (ptrace(2)): which one that is.

    >>> _why("self 00000000a80425fb\\n79 000001ffffffffff"), _why("self 0\\n79 0")
    (': 79 has more capabilities than this way in (look from outside of the container)', '')
    """
    rows = re.findall(r"^(self|\d+) ([0-9a-f]+)$", text, re.M)
    held = {name: int(value, 16) for name, value in rows}
    own = held.pop("self", None)
    more = [pid for pid, value in held.items() if own and value & ~own]
    if not more:
        return ""
    return f": {more[0]} has more capabilities than this way in (look from outside of the container)"
