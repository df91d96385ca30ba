"""PAM's stacks, line by line, and the files that its modules look at; where secrets lie.

Sources: pam.d(5); os-release(5); the manual pages of the modules (FILES, and the options that name another
file). Of a secret's file go out: owner, mode, size, the names of its options, and whether its lines end as
those of Windows do. Never a line that could be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from sshdoctor.doors.model import Place
from sshdoctor.facts.doors.parsing.listing import LISTING, unbarred
from sshdoctor.facts.parsing.output import NOT_PERMITTED, evidence, number, parts, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

_HERE = Path(__file__).parent
COMMANDS = {
    name: before + (_HERE / f"door_guards_{name}.sh").read_text(encoding="utf-8")
    for name, before in (("stacks", ""), ("files", ""), ("secrets", LISTING))
}


class DoorGuards(Struct, frozen=True, kw_only=True):
    """``services``: the numbered lines of each file of pam.d; ``modules`` that are installed; ``files`` and
    ``places`` as ``doors.model.Setup`` has them; ``now``: the host's clock, in seconds since 1970."""

    services: Mapping[str, tuple[tuple[int, str], ...]]
    debian: bool
    """It is Debian, or made of it."""
    modules: frozenset[str] | None
    files: Mapping[str, tuple[str, ...] | None]
    places: Mapping[str, Place | None]
    now: float
    evidence: tuple[Evidence, ...]


VALUE = DoorGuards
WRITERS = {"": "root", "places": "account"}
_LINE = re.compile(r"^\|([^:]+):(\d+):(.*)$")


def parse(sections: Mapping[str, Section]) -> DoorGuards | Unknown:
    for section in sections.values():
        if cut := unseen(section):
            return cut
    said = parts(sections["stacks"].output)
    if said.get("uid", "").strip() != "0":
        return NOT_PERMITTED
    files, secrets = (parts(sections[name].output) for name in ("files", "secrets"))
    services = _services(said)
    modules = frozenset(name.removesuffix(".so") for name in said.get("modules", "").split())
    return DoorGuards(
        services=services,
        debian=bool({"debian", "ubuntu"} & {*re.findall(r"[a-z]+", said.get("system", "").lower())}),
        modules=modules or None,
        files=dict(_files({**files, **secrets})),
        places=dict(_places(secrets)),
        now=float(number(said.get("now", "").strip()) or 0),
        evidence=evidence("cat /etc/pam.d/sshd", [text for _, text in services.get("sshd", ())]),
    )


def _services(said: Mapping[str, str]) -> dict[str, tuple[tuple[int, str], ...]]:
    found: dict[str, list[tuple[int, str]]] = {name: [] for name in said.get("names", "").split()}
    for line in said.get("pam", "").splitlines():
        if match := _LINE.match(line):
            found.setdefault(match[1].rpartition("/")[2], []).append((int(match[2]), match[3]))
    return {name: tuple(lines) for name, lines in found.items()}


def _files(said: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, ...] | None]]:
    for heading, text in said.items():
        kind, _, path = heading.partition(" ")
        if kind in ("lines", "users"):
            yield path, None if text.strip() == "absent" else tuple(unbarred(text).splitlines())


def _places(said: Mapping[str, str]) -> Iterator[tuple[str, Place | None]]:
    for heading, text in said.items():
        if not heading.startswith("secret "):
            continue
        words = tuple(re.findall(r"^word=(.*)$", text, re.M))
        for row in re.findall(r"^place=(\d+) (\d+) ([0-7]+) (\d+) ([^|\n]+)\|(.*)$", text, re.M):
            own = row[5] == heading.removeprefix("secret ")
            kind = row[4].replace("regular empty file", "regular file")
            size = int(row[3]) if own else 1
            yield row[5], Place(int(row[0]), int(row[1]), int(row[2], 8), kind, size, words if own else ())
        yield from ((path, None) for path in re.findall(r"^absent=(.*)$", text, re.M))
