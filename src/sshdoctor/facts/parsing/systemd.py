"""What ``systemctl show`` prints, and what unit files on a disk say when it cannot be asked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sshdoctor.facts.parsing.output import evidence, properties
from sshdoctor.facts.parsing.words import unit_name
from sshdoctor.model import Evidence, Unknown

Unit = Mapping[str, str]
_SHOWN = ("LoadState", "ActiveState", "SubState", "UnitFileState", "Result", "FreezerState", "Listen")
_COUNTED = ("MaxConnections", "MaxConnectionsPerSource", "NConnections", "NRefused")
"""Of a socket unit that starts a server for each connection."""


def units(text: str) -> dict[str, Unit]:
    """The units in the output of ``systemctl show``, by Id. Raises OddWordError."""
    blocks = [properties(block) for block in text.split("\n\n")]
    return {unit_name(block["Id"]): block for block in blocks if "Id" in block}


def absent(unit: Unit) -> bool:
    return unit.get("LoadState", "not-found") == "not-found"


def first(known: Mapping[str, Unit], *names: str) -> Unit:
    """The first of the named units that is there."""
    present = [known[name] for name in names if name in known and not absent(known[name])]
    return present[0] if present else {"Id": names[0], "LoadState": "not-found"}


def service_state(unit: Unit) -> str:
    """running, starting, stopping, inactive, failed, masked or absent (Service.state)."""
    active, load = unit.get("ActiveState", ""), unit.get("LoadState", "")
    if active in ("active", "reloading"):
        return "inactive" if unit.get("SubState") == "exited" else "running"
    if active in ("activating", "deactivating"):
        return "starting" if active == "activating" else "stopping"
    if load == "masked":
        return "masked"
    if absent(unit):
        return "absent"
    return "failed" if active == "failed" else "inactive"


def socket_state(unit: Unit) -> str:
    """listening, running (its one service holds the socket), inactive, failed, masked or absent."""
    if unit.get("ActiveState") == "active":
        return "running" if unit.get("SubState") == "running" else "listening"
    return service_state(unit)


def listens(unit: Unit) -> tuple[str, ...]:
    """The addresses of a socket unit.

    >>> listens({"Listen": "0.0.0.0:22 (Stream)\\n[::]:22 (Stream)"})
    ('0.0.0.0:22', '[::]:22')
    """
    lines = unit.get("Listen", "").splitlines()
    return tuple(line.removesuffix(" (Stream)") for line in lines if line.endswith("(Stream)"))


def ports(addresses: tuple[str, ...]) -> tuple[int, ...]:
    """The TCP ports among a socket unit's addresses, each once."""
    ends = [address.rpartition(":")[2] for address in addresses]
    return tuple(dict.fromkeys(int(end) for end in ends if end.isdecimal()))


def epoch(text: str) -> float | None:
    """Seconds since 1970 of a time as systemd prints it in UTC, None if it never was.

    >>> epoch("Sun 2026-11-22 08:42:01 UTC")
    1795336921.0
    """
    found = re.search(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC", text)
    return datetime.fromisoformat(found[1]).replace(tzinfo=UTC).timestamp() if found else None


def shown(unit: Unit) -> tuple[Evidence, ...]:
    keys = (*_SHOWN, *_COUNTED) if unit.get("Accept") == "yes" else _SHOWN
    seen = (key for key in keys if unit.get(key) and (key, unit[key]) != ("FreezerState", "running"))
    lines = [f"{key}={unit[key]}".replace("\n", " ") for key in seen]
    return evidence(f"systemctl show {unit['Id']}", lines)


class UnitFiles:
    """``ls -ld`` of the places where the files of some units stand and are enabled (systemd.unit(5)).

    ``names`` are those that one service goes by, without their kind.
    """

    def __init__(self, listing: str, names: Sequence[str]) -> None:
        self._names = names
        rows = re.findall(r" (/\S+)(?: -> (\S+))?$", listing, re.M)
        self._paths = [path for path, _ in rows]
        self._masked = {path.rpartition("/")[2] for path, target in rows if target == "/dev/null"}

    def unit(self, kind: str) -> str | None:
        names = {path.rpartition("/")[2] for path in self._paths if ".wants/" not in path}
        return next((f"{name}.{kind}" for name in self._names if f"{name}.{kind}" in names), None)

    @property
    def enabled(self) -> bool | Unknown:
        if not self._paths:
            return Unknown("no unit files are there")
        wanted = {path.rpartition("/")[2] for path in self._paths if ".wants/" in path} - self._masked
        return any(f"{name}.{kind}" in wanted for name in self._names for kind in ("service", "socket"))
