"""Extracts every message with which a program can refuse or end a connection from its source trees.

    PYTHONPATH=src:tests python -m reasons.messages openssh-server 9.2=DIR 10.0=DIR > openssh-server.messages

What is out of the list is out by rule: messages of the levels debug, and files for other systems than
Linux. A line has the versions (first-last), the place, the level and the message. Its holes are
``%s`` (text), ``%d`` (a number), ``%{errno}`` (the system's words for an error), ``%{why}`` (the
program's own), ``%{peer}`` (user, address and port), and ``%{reason}`` and ``%{fault}``: one of the
texts of the level of that name.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from reasons.c_source import Call, calls, literal
from reasons.sources import KINDS, PROGRAMS, Kind

CLAUSES = ("reason", "fault")
"""The levels of texts that stand in other messages."""

_HOLE = re.compile(r"%(?P<percent>%)|%[-+ #0]*[\d*]*(?:\.[\d*]+)?(?:hh|h|ll|l|z|j|t)?(?P<type>[a-zA-Z])")


@dataclass(frozen=True, slots=True)
class Message:
    """One message as the source has it: where (file and function), at which level, and its text."""

    where: str
    level: str
    text: str


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a list: a message, and the first and last version that has it."""

    versions: str
    where: str
    level: str
    text: str

    @property
    def file(self) -> str:
        """The name of the file that it stands in, without its ending."""
        return self.where.partition(".c")[0]


def extract(name: str, tree: Path) -> Iterator[Message]:
    """All messages of a program's files in one source tree."""
    program, kinds = PROGRAMS[name], KINDS[name]
    for path in program.files(tree):
        text = path.read_text(encoding="utf-8", errors="replace")
        for call in calls(text, kinds.keys()):
            kind = kinds[call.name]
            if call.function in program.uncalled:
                continue
            for words in _texts(kind, call, program.fillers):
                yield Message(f"{path.stem}.c {call.function}".strip(), kind.level, _one_line(words))
        for hole, words in program.texts(text):
            yield Message(f"{path.stem}.c", hole, _one_line(_holes(words, [], {})))


def merged(trees: Mapping[str, list[Message]]) -> list[Listed]:
    """The messages of several versions, in the order of their first file, each once."""
    found: dict[str, tuple[Message, list[str]]] = {}
    for version, messages in trees.items():
        for message in messages:
            key = message.text
            if message.level in CLAUSES or any(f"%{{{hole}}}" in key for hole in CLAUSES):
                key = f"{message.level} {message.where.partition(' ')[0]} {key}"
            _, versions = found.setdefault(key, (message, []))
            if version not in versions:
                versions.append(version)
    rows = [Listed(_span(versions), m.where, m.level, m.text) for m, versions in found.values()]
    return sorted(rows, key=lambda row: (row.where.partition(" ")[0], row.where, row.text))


def read_list(path: Path) -> list[Listed]:
    """A list that ``write`` wrote."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Listed(*line.split("\t", 3)) for line in lines if line and not line.startswith("#")]


def _span(versions: list[str]) -> str:
    return versions[0] if len(versions) == 1 else f"{versions[0]}-{versions[-1]}"


def _texts(kind: Kind, call: Call, fillers: Mapping[str, str]) -> Iterator[str]:
    if kind.joined:
        yield _holes(kind.frame.replace("%{message}", _joined(kind, call)), [], fillers)
        return
    if kind.only and "".join(call.arguments[0]) not in kind.only:
        return
    if len(call.arguments) <= kind.format:
        return
    format_ = literal(call.arguments[kind.format]) or kind.bare
    if not format_:
        return
    rest = list(call.arguments[kind.format + 1 :])
    text = _holes(format_, rest, fillers).rstrip("\n\r")
    if kind.function and call.function:
        text = f"{call.function}: {text}"
    text = text.replace("%{function}", call.function)
    yield kind.frame.replace("%{message}", text) if text else text


def _joined(kind: Kind, call: Call) -> str:
    """The message that all arguments are together: literal texts, and a hole for each other one."""
    text = ""
    for number, argument in enumerate(call.arguments):
        if argument == ("0",):
            break
        text += kind.glue[number - 1] if number and kind.glue else ""
        words = literal(argument)
        text += "%s" if words is None else words.replace("%", "%%")
    return text


def _holes(words: str, arguments: list[tuple[str, ...]], fillers: Mapping[str, str]) -> str:
    """The format with its holes named by what fills them."""
    left = iter(arguments)

    def name(match: re.Match[str]) -> str:
        if match["percent"]:
            return "%%"
        for _ in range(match[0].count("*")):
            next(left, None)
        filler = "".join(next(left, ()))
        if filler == "__func__":
            return "%{function}"
        if filler.startswith(("strerror(", "ssh_gai_strerror(", "gai_strerror(")):
            return "%{errno}"
        if filler.startswith(("ssh_err(", "pam_strerror(")):
            return "%{why}"
        if match["type"] == "s" and filler in fillers:
            return f"%{{{fillers[filler]}}}"
        return "%d" if match["type"] in "diuxXofgc" else "%s"

    return re.sub(r"%\{\w+\}|" + _HOLE.pattern, lambda m: m[0] if m[0].startswith("%{") else name(m), words)


def _one_line(text: str) -> str:
    """The first line of it: a log has each line by itself."""
    return text.replace("\r", "").strip("\n").partition("\n")[0].replace("\t", " ")


def main(program: str, *trees: str) -> None:
    """Print the list of one program; each tree is ``VERSION=FOLDER``, the oldest first."""
    found = {}
    for tree in trees:
        version, _, folder = tree.partition("=")
        found[version] = list(extract(program, Path(folder)))
    print(f"# {program}: made by tests/reasons/messages.py from the versions {' '.join(found)}")
    for row in merged(found):
        if row.text.replace("%s", "").strip(" :."):
            print(row.versions, row.where, row.level, row.text, sep="\t")


if __name__ == "__main__":
    main(*sys.argv[1:])
