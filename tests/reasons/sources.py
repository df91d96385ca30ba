"""How each program writes its messages, and which source files it is made of (programs.yml)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from sshdoctor.documents.reader import read_yaml


class Kind(Struct, frozen=True):
    """How one function logs: where its format stands, and what it puts around the message."""

    level: str
    format: int = 0
    """The number of the argument that is the format, from 0."""
    function: bool = False
    """Whether the name of the calling function stands before the message."""
    frame: str = "%{message}"
    only: tuple[str, ...] = ()
    """Calls whose first argument is none of these are not messages."""
    bare: str = ""
    """The message where the argument is no literal text; without it such a call is passed over."""
    joined: bool = False
    """Whether all arguments together are the message; a bare 0 is none."""
    glue: tuple[str, ...] = ()
    """What stands before the second argument, the third and so on, if they are there."""


class Program(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One program: which files it is made of, and how its messages are put together (see programs.yml)."""

    objects: tuple[str, ...]
    folders: tuple[str, ...]
    elsewhere: frozenset[str] = frozenset()
    uncalled: frozenset[str] = frozenset()
    clauses: dict[str, str] = {}
    fillers: dict[str, str] = {}
    clauses_of: dict[str, tuple[str, ...]] = {}
    wordings: dict[str, tuple[str, ...]] = {}

    def files(self, tree: Path) -> Iterator[Path]:
        """The C files that make up the program in one tree."""
        names: set[str] = set()
        if not self.objects:
            names = {p.stem for f in self.folders for p in (tree / f).glob("*.c") if p.stem[0] != "_"}
        for makefile in (tree / "Makefile.in", tree / "openbsd-compat" / "Makefile.in"):
            if makefile.exists():
                names |= _objects(makefile.read_text(encoding="utf-8"), self.objects)
        for name in sorted(names - self.elsewhere):
            yield from (p for f in self.folders if (p := tree / f / f"{name}.c").exists())

    def texts(self, source: str) -> Iterator[tuple[str, str]]:
        """Each text of a file that is put into another message, with the name of its hole."""
        for hole, expression in self.clauses.items():
            for match in re.finditer(rf'(?:{expression})\s*(?P<words>(?:"(?:\\.|[^"\\])*"\s*)+)', source):
                parts = re.findall(r'"((?:\\.|[^"\\])*)"', match["words"])
                yield hole, "".join(parts).replace('\\"', '"')


def _objects(makefile: str, variables: tuple[str, ...]) -> set[str]:
    names: set[str] = set()
    for variable in variables:
        for match in re.finditer(rf"^_?{variable}\s*=(.*)$", makefile.replace("\\\n", " "), re.MULTILINE):
            names |= set(re.findall(r"([\w-]+)\.o", match[1]))
    return names


def _openssh() -> dict[str, Kind]:
    kinds = {}
    levels = {"logdie": "error", "sigdie": "fatal"}
    for name in ("fatal", "error", "logit", "verbose", *levels):
        level = levels.get(name, name)
        kinds[name] = Kind(level)
        kinds[f"{name}_f"] = Kind(level, function=True)
        kinds[f"{name}_r"] = Kind(level, format=1, frame="%{message}: %{why}")
        kinds[f"{name}_fr"] = Kind(level, format=1, function=True, frame="%{message}: %{why}")
    for suffix, number in (("", 1), ("_f", 1), ("_r", 2), ("_fr", 2)):
        frame = "%{message}: %{why}" if "r" in suffix else "%{message}"
        kinds[f"do_log2{suffix}"] = Kind("logit", format=number, function="f" in suffix, frame=frame)
    return {
        **kinds,
        "authlog": Kind("logit"),
        "packet_disconnect": Kind("disconnect", frame="Disconnecting %{peer}: %{message}"),
        "ssh_packet_disconnect": Kind("disconnect", format=1, frame="Disconnecting %{peer}: %{message}"),
        "sshpkt_fatal": Kind("fatal", format=2, frame="%{message}: Connection from %{peer}: %{why}"),
        **_STANDARD_ERROR,
    }


def _tinysshd() -> dict[str, Kind]:
    levels = {"f": "fatal", "w": "warning", "i": "info", "u": "usage"}
    counted = {f"log_{x}{n}": Kind(level, joined=True) for x, level in levels.items() for n in range(1, 10)}
    return {
        **counted,
        "die_fatal": Kind("fatal", joined=True, glue=(" ", "/")),
        "die_usage": Kind("usage", joined=True),
    }


_STANDARD_ERROR = {
    "fprintf": Kind("stderr", format=1, only=("stderr",)),
    "perror": Kind("stderr", frame="%{message}: %{errno}", bare="%s"),
}
_DROPBEAR = {
    "dropbear_exit": Kind("exit"),
    "dropbear_close": Kind("exit"),
    "dropbear_log": Kind("log", format=1),
    **_STANDARD_ERROR,
}

KINDS: Mapping[str, Mapping[str, Kind]] = {
    "openssh-server": _openssh(),
    "dropbear": _DROPBEAR,
    "tinysshd": _tinysshd(),
}
"""The functions that write messages, of each program. Those that only debugging writes are none of them."""

PROGRAMS = msgspec.convert(read_yaml(Path(__file__).parent / "programs.yml"), dict[str, Program])
