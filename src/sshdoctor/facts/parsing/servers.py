"""The processes that are servers, as ``find_servers`` of services/servers.sh prints them."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from sshdoctor.model import Unknown


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
