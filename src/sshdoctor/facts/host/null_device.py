"""/dev/null: programs that write to it, or read nothing from it, fail where it is none.

Source: null(4): a character device, major 1, minor 3, mode 0666.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from sshdoctor.facts.parsing.output import evidence
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

COMMANDS = {"null": "stat -L -c '%F|%a|%t:%T|/dev/null' /dev/null 2>&1"}


class NullDevice(Struct, frozen=True, kw_only=True):
    """``state``: good; missing; closed (not everybody may read and write it); other (no null device)."""

    state: str
    kind: str
    mode: str
    evidence: tuple[Evidence, ...]


VALUE = NullDevice
WRITERS = {"": "root"}


def parse(sections: Mapping[str, Section]) -> NullDevice | Unknown:
    said = sections["null"].output.strip().partition("\n")[0]
    seen = evidence("stat /dev/null", [said])
    found = re.fullmatch(r"([\w -]+)\|([0-7]+)\|(\w+:\w+)\|/dev/null", said)
    if found is None:
        if "No such file" in said:
            return NullDevice(state="missing", kind="missing", mode="", evidence=seen)
        return Unknown(said or "stat printed nothing")
    device = found[1].startswith("character special") and found[3] == "1:3"
    usable = int(found[2], 8) & 0o666 == 0o666
    state = "other" if not device else "good" if usable else "closed"
    return NullDevice(state=state, kind=found[1], mode=found[2], evidence=seen)
