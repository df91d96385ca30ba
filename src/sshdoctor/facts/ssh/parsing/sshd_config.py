"""sshd_config and the files that it includes, and the values in them, as sshd_config(5) has it:
the first value of a keyword counts, but for those that add up; an Include stands for its files' text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from typing import TYPE_CHECKING

from msgspec import Struct

from sshdoctor.facts.parsing.output import NOT_PERMITTED, evidence
from sshdoctor.model import Evidence, Unknown

if TYPE_CHECKING:
    from sshdoctor.disk import Disk

_PLACES = "SSHD_OPTS= in /etc/default/ssh (OPTIONS= in /etc/sysconfig/sshd)"
MAIN = "/etc/ssh/sshd_config"
KEY_FILES = (".ssh/authorized_keys", ".ssh/authorized_keys2")
_PER_WORD = frozenset({"allowusers", "denyusers", "allowgroups", "denygroups", "acceptenv"})
_ADDING = _PER_WORD | {"port", "listenaddress", "hostkey", "hostcertificate", "setenv", "subsystem"}
_WILDCARDS = {"any": ("0.0.0.0", "::"), "inet": ("0.0.0.0",), "inet6": ("::",)}  # noqa: S104 - what sshd binds
_DEEPEST = 16
_MOST_FILES = 200


class Line(Struct, frozen=True):
    """One directive; ``matched`` says that it stands in a Match block."""

    keyword: str
    value: str
    file: str
    number: int
    matched: bool


class Files(Struct, frozen=True):
    """The text of each file by path, sshd_config first; None where it may not be read."""

    texts: Mapping[str, str | None]
    times: Mapping[str, float]
    options: str
    main: str = MAIN
    options_place: str = _PLACES
    """Where the options of its command line stand; see config.Config."""
    port_option: tuple[str, str] = ("", "")
    """Where -p is said on its command line, and the line; see config.Config."""

    @property
    def changed(self) -> float | Unknown:
        """When one of the files was changed last."""
        return max(self.times.values(), default=Unknown("no file was seen"))

    @property
    def readable(self) -> bool:
        return self.main in self.texts and None not in self.texts.values()

    def line(self, path: str, number: int) -> str:
        """The line ``number`` (from 1) of a file as it stands there, or empty."""
        lines = (self.texts.get(path) or "").splitlines()
        return lines[number - 1] if 0 < number <= len(lines) else ""

    def lines(self) -> Iterator[Line]:
        """Every directive in sshd's order, Includes in their places.

        A file that is included again, in the same way, says nothing new.
        """
        return self._lines(self.main, False, 0, set())

    def _lines(self, path: str, matched: bool, depth: int, seen: set[tuple[str, bool]]) -> Iterator[Line]:
        seen.add((path, matched))
        for number, raw in enumerate((self.texts.get(path) or "").splitlines(), 1):
            found = re.match(r"\s*(\w+)(?:\s*=\s*|\s+)(.*)", raw)
            if not found:
                continue
            keyword, value = found[1].lower(), re.sub(r"(?<!\s)\s+#.*", "", found[2]).strip()
            if keyword == "match":
                matched = value.lower() != "all"
            elif keyword == "include" and depth < _DEEPEST:
                for included in self._included(value):
                    if (included, matched) not in seen:
                        yield from self._lines(included, matched, depth + 1, seen)
            else:
                yield Line(keyword, value, path, number, matched)

    def place(self, keyword: str) -> str:
        """Where the value that holds for everybody is set, as "FILE line N"; "" where no file sets it."""
        line = next((line for line in self.lines() if line.keyword == keyword and not line.matched), None)
        return f"{line.file} line {line.number}" if line else ""

    def _included(self, value: str) -> list[str]:
        patterns = [word.strip('"') for word in value.split()]
        absolute = [word if word.startswith("/") else f"/etc/ssh/{word}" for word in patterns]
        return [path for pattern in absolute for path in self.texts if fnmatch(path, pattern)]


def read(said: Mapping[str, str]) -> Files:
    """The files in the output of config's command ``files``."""
    texts: dict[str, str | None] = {}
    for path, text in said.items():
        if path.startswith("/"):
            whole = all(line.startswith("|") for line in text.splitlines())
            texts[path] = "\n".join(line[1:] for line in text.splitlines()) if whole else None
    times = {}
    for row in said.get("times", "").splitlines():
        seconds, _, path = row.partition(" ")
        if seconds.isdecimal():
            times[path if path.startswith("/") else f"/etc/ssh/{path}"] = float(seconds)
    place, _, line = said.get("options of", "").strip().partition("\n")
    return Files(
        texts,
        times,
        options=said.get("options", "").strip().strip("\"'"),
        main=said.get("main", "").strip() or MAIN,
        options_place=said.get("options in", "").strip() or _PLACES,
        port_option=(place, line.splitlines()[0] if line else ""),
    )


def of_disk(disk: Disk) -> Files:
    """The files on a disk, each in the place where it is first included."""
    texts: dict[str, str | None] = {}
    waiting = [MAIN] if disk.is_file(MAIN) else []
    while waiting and len(texts) < _MOST_FILES:
        path = waiting.pop(0)
        if path not in texts:
            texts[path] = disk.text_if_any(path)
            waiting = [*_includes(texts[path] or "", disk), *waiting]
    options = [
        found
        for file in ("/etc/default/ssh", "/etc/sysconfig/sshd")
        for found in re.findall(r"^[ \t]*(?:SSHD_OPTS|OPTIONS)=(.*)$", disk.text_if_any(file) or "", re.M)
    ]
    times = {path: disk.stat(path).st_mtime for path in texts}
    return Files(texts, times, "\n".join(options).strip().strip("\"'"))


def _includes(text: str, disk: Disk) -> list[str]:
    found = re.findall(r"^[^\S\n]*include(?:[^\S\n]*=[^\S\n]*|[^\S\n]+)(.*)$", text, re.M | re.I)
    words = [word.strip('"') for line in found for word in line.split("#")[0].split()]
    absolute = [word if word.startswith("/") else f"/etc/ssh/{word}" for word in words]
    return [path for word in absolute for path in disk.glob(word) if disk.is_file(path)]


class Keywords:
    """The values in force: from ``sshd -T`` where it ran, else from the files.

    ``matched`` says that the Match blocks were applied for the user; where they were not, a value that
    some Match block sets is Unknown.
    """

    def __init__(self, files: Files, effective: str | None, *, matched: bool) -> None:
        self.given = _collect(line for line in files.lines() if not line.matched)
        self.from_sshd = effective is not None
        self.effective = self.given if effective is None else _of_sshd(effective)
        applied = self.from_sshd and matched
        self._open = set() if applied else {line.keyword for line in files.lines() if line.matched}
        self._files = files

    def every(self, keyword: str) -> tuple[str, ...] | Unknown:
        unknown = self._unknown(keyword)
        if unknown is not None:
            return unknown
        return tuple(value.strip('"') for value in self.effective.get(keyword, ()))

    def word(self, keyword: str, default: str) -> str | Unknown:
        values = self.every(keyword)
        if isinstance(values, Unknown):
            return values
        return values[0].lower() if values else default

    def text(self, keyword: str, default: str) -> str | Unknown:
        """The first value as it is written."""
        values = self.every(keyword)
        return values if isinstance(values, Unknown) else values[0] if values else default

    def words(self, keyword: str, default: tuple[str, ...]) -> tuple[str, ...] | Unknown:
        values = self.every(keyword)
        if isinstance(values, Unknown):
            return values
        return tuple(word.strip('"') for word in values[0].split()) if values else default

    def flag(self, keyword: str, default: str = "yes") -> bool | Unknown:
        """A yes-or-no keyword."""
        word = self.word(keyword, default)
        return word if isinstance(word, Unknown) else word in ("yes", "true")

    def _unknown(self, keyword: str) -> Unknown | None:
        if keyword in self._open:
            return Unknown("a Match block sets it, for somebody")
        return None if self.from_sshd or self._files.readable else NOT_PERMITTED

    @property
    def ports(self) -> tuple[int, ...] | Unknown:
        """What a daemon started now would listen on: a ListenAddress that names a port has that alone."""
        said, listens = self._ports_said, self.listen
        if isinstance(said, Unknown) or isinstance(listens, Unknown) or not listens:
            return said
        return tuple(dict.fromkeys(port for text in listens for _, port in _endpoints(text, said))) or said

    @property
    def _ports_said(self) -> tuple[int, ...] | Unknown:
        """By Port; -p in its start options overrides the files."""
        named = re.findall(r"(?:^|\s)-p\s*(\d+)", self._files.options)
        if named:
            return tuple(int(port) for port in named)
        values = self.every("port")
        if isinstance(values, Unknown):
            return values
        return tuple(int(port) for port in values if port.isdecimal()) or (22,)

    @property
    def listen(self) -> tuple[str, ...] | Unknown:
        if self._files.readable:
            return self.given.get("listenaddress", ())
        return self.every("listenaddress")

    @property
    def endpoints(self) -> tuple[tuple[str, int], ...] | Unknown:
        ports, listens = self._ports_said, self.every("listenaddress")
        if isinstance(ports, Unknown) or isinstance(listens, Unknown):
            return NOT_PERMITTED
        family = str(self.word("addressfamily", "any"))
        texts = listens or _WILDCARDS.get(family, _WILDCARDS["any"])
        return tuple(end for text in texts for end in _endpoints(text, ports))

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        shown = [line for line in self._files.lines() if line.keyword in ("port", "listenaddress")]
        if not shown:
            ports = self.effective.get("port", ())
            return evidence("sshd -T | grep ^port", [f"port {port}" for port in ports])
        return evidence(
            f"grep -rE '^(Port|ListenAddress)' {MAIN}*",
            [f"{line.file}:{line.number}: {line.keyword} {line.value}" for line in shown],
        )


def _collect(lines: Iterator[Line]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for line in lines:
        values = tuple(line.value.split()) if line.keyword in _PER_WORD else (line.value,)
        if line.keyword in _ADDING:
            found[line.keyword] = found.get(line.keyword, ()) + values
        else:
            found.setdefault(line.keyword, values)
    return found


def _of_sshd(text: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        keyword, _, value = line.partition(" ")
        if re.fullmatch(r"[a-z0-9]+", keyword):
            found[keyword] = (*found.get(keyword, ()), value)
    return found


def _endpoints(text: str, ports: tuple[int, ...]) -> list[tuple[str, int]]:
    """ListenAddress is an address, address:port or [address]:port; a bare one takes every Port."""
    bracketed = re.match(r"\[(.+?)\](?::(\d+))?", text)
    plain = re.match(r"([^:\s]+)(?::(\d+))?(?:\s|$)", text)
    found = bracketed or plain
    address = found[1] if found else text.split()[0]
    port = found[2] if found else None
    return [(address, int(port))] if port else [(address, each) for each in ports]
