"""Which sections of Apache's configuration rule over one request, in the order in which they are merged.

Sources: httpd's server/request.c (ap_directory_walk, ap_file_walk, ap_location_walk, ap_if_walk),
server/core.c (core_reorder_directories); the manual's "Configuration Sections".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from msgspec import Struct

from sshdoctor.access_rules.apache.override import Overrides
from sshdoctor.access_rules.apache.place import Place
from sshdoctor.access_rules.apache.read import Line, Reader
from sshdoctor.access_rules.unknown import UnknownValue, expression

_COMPAT = ("order", "allow", "deny")
_REQUIRE = ("require", "requireall", "requireany", "requirenone")
_MARKS = "*?["


class Section(Struct, frozen=True, kw_only=True):
    """``heading``: ``<Directory /srv>``, or an .htaccess by its path. ``folder``: what a rewriting takes away
    from the file, "" where a section has none."""

    heading: str
    kind: str
    block: tuple[Line, ...]
    folder: str = ""


class UnseenHtaccess(Struct, frozen=True, kw_only=True):
    """An .htaccess that would be read, if it is there; nobody can tell."""

    file: str
    why: Line


Holds = Callable[[Line], bool]
"""Whether the condition of an ``<If>`` holds."""
Htaccess = Callable[[str], str | None]
"""The text of an .htaccess, None if there is none. Raises UnknownValue if that is not known."""


class Governed:
    """The sections that hold for a file and a path, the strongest last.

    Everything that is asked of it raises UnknownValue where it is not known whether a section holds.
    """

    def __init__(
        self,
        configuration: Line,
        host: Line | None,
        file: str | Place,
        path: str,
        htaccess: Mapping[str, str],
        reader: Reader,
        holds: Holds | None = None,
        whole: bool = True,
        afresh: bool | None = True,
    ) -> None:
        """``whole``: all .htaccess files are in ``htaccess``.

        ``afresh``: Apache goes the whole way; it does not for an index file, in whose folder it is already
        (False), and may not after an internal redirect (None).
        """
        self.scopes = [configuration] + ([host] if host else [])
        self.place = file if isinstance(file, Place) else Place.taken(file)
        self.path, self.htaccess, self.reader, self.holds = path, htaccess, reader, holds
        self.whole, self.afresh = whole, afresh
        self.unseen: list[UnseenHtaccess] = []
        self.refused: Line | None = None
        """A line of an .htaccess that AllowOverride does not allow."""
        self._sections: list[Section] | None = None

    def sections(self) -> list[tuple[str, tuple[Line, ...]]]:
        """Each with how it is headed."""
        return [(one.heading, one.block) for one in self.all()]

    def all(self) -> list[Section]:
        if self._sections is None:
            found = [self._bare()]
            for one in self._directories(found) if self.place.file else ():
                found.append(one)
            if self.place.file:
                found += list(self._of_files(found))
            found += [_section(one) for one in self._named("location", "locationmatch") if self._located(one)]
            self._sections = found + list(self._ifs(found))
        return self._sections

    def _bare(self) -> Section:
        """What stands outside of all sections, where it is inherited by them."""
        lines = [line for scope in self.scopes for line in scope.block or () if line.name not in _OUTER]
        return Section(heading="", kind="server", block=tuple(lines))

    def _named(self, *names: str) -> list[Line]:
        return [one for scope in self.scopes for one in scope.all(*names) if one.args]

    def _directories(self, before: Sequence[Section]) -> Iterator[Section]:
        plain = [one for one in self._named("directory") if len(one.args) == 1]
        override = Overrides(frozenset(), None)
        for folder in self.place.folders:
            for one in plain:
                if _is_folder(one.args[0], folder):
                    override = override.after(one)
                    yield _section(one, "" if _has_marks(one.args[0]) else folder.rstrip("/") + "/")
            if override.reads:
                yield from self._htaccess(folder.rstrip("/"), override)
        if self.afresh is not False and self.place.kind in ("file", "unknown") and not self.place.info:
            yield from self._file_as_folder(plain, options_of(before))
        for one in self._named("directorymatch", "directory"):
            pattern = one.args[-1] if one.name == "directorymatch" or one.args[:1] == ("~",) else ""
            if pattern and _search(pattern, self.place.file):
                yield _section(one)

    def _file_as_folder(self, plain: Sequence[Line], options: frozenset[str]) -> Iterator[Section]:
        """Where links are followed unseen, a file is not looked at, but taken for a folder:

        ``<Directory /srv/*>`` holds for /srv/a.html.
        """
        unseen = "followsymlinks" in options and "symlinksifownermatch" not in options
        for one in plain if unseen else ():
            if _is_folder(one.args[0], self.place.file):
                if self.place.kind == "unknown" or self.afresh is None:
                    raise UnknownValue(f"whether {one.rule} is asked for {self.place.file}")
                yield _section(one)

    def _htaccess(self, folder: str, override: Overrides) -> Iterator[Section]:
        file = f"{folder}/.htaccess"
        if file in self.htaccess:
            block = self.reader.text(self.htaccess[file], file)
            self.refused = self.refused or override.first_refused(block)
            yield Section(heading=file, kind="htaccess", block=block, folder=folder + "/")
        elif not self.whole and override.by is not None:
            self.unseen.append(UnseenHtaccess(file=file, why=override.by))

    def _of_files(self, before: Sequence[Section]) -> Iterator[Section]:
        name = self.place.file.rpartition("/")[2]
        for one in _nested(before, "files", "filesmatch"):
            if not one.args:
                continue
            if one.name == "filesmatch" or one.args[0] == "~":
                fits = _search(one.args[-1], name)
            else:
                fits = _fits(name, one.args[0])
            if fits:
                yield _section(one)

    def _ifs(self, before: Sequence[Section]) -> Iterator[Section]:
        previous = False
        found = []
        for one in _nested(before, "if", "elseif", "else"):
            if one.name != "if" and previous:
                continue
            holds = one.name == "else" or self.holds is None or self.holds(one)
            previous = holds if one.name != "else" else False
            if holds:
                found.append(_section(one))
        if found:
            yield from found
            yield from self._ifs(found)

    def _located(self, one: Line) -> bool:
        text = one.args[-1]
        if one.name == "locationmatch" or one.args[0] == "~":
            return _search(text, self.path)
        if _has_marks(text):
            return _fits(self.path, text)
        return self.path == text or self.path.startswith(text if text.endswith("/") else text + "/")

    def last(self, *names: str) -> list[Line]:
        """The lines of these names in the strongest section that has any."""
        for _, block in reversed(self.sections()):
            found = [line for line in _flat(block) if line.name in names]
            if found:
                return found
        return []

    def admission(self) -> tuple[list[Line], list[Line]]:
        """What Require rules here, and what Order, Allow and Deny of mod_access_compat."""
        return self.last(*_REQUIRE), self.last(*_COMPAT)

    def option(self, name: str) -> Line | None:
        """The line that decides on an option such as FollowSymLinks."""
        decided: Line | None = None
        for _, block in self.sections():
            for line in block:
                if line.name == "options":
                    wanted = [arg for arg in line.args if arg.lower().lstrip("+-") == name.lower()]
                    absolute = not any(arg.startswith(("+", "-")) for arg in line.args)
                    if wanted or absolute:
                        decided = line
        return decided

    def options(self) -> frozenset[str]:
        """The options that are on, in lower case."""
        return options_of(self.all())


_OUTER = ("directory", "directorymatch", "location", "locationmatch", "virtualhost", "proxy", "proxymatch")
_ALL = frozenset({"followsymlinks", "indexes", "includes", "execcgi"})


def options_of(sections: Sequence[Section]) -> frozenset[str]:
    """The options that are on, in lower case, by these sections in their order."""
    on = frozenset({"followsymlinks"})
    for section in sections:
        for line in section.block:
            if line.name == "options":
                on = _options(on, [arg.lower() for arg in line.args])
    return on


def _options(on: frozenset[str], args: Sequence[str]) -> frozenset[str]:
    for arg in args:
        name = arg.lstrip("+-")
        every = _ALL if name == "all" else frozenset({name}) if name != "none" else frozenset[str]()
        if arg.startswith("-"):
            on -= every
        elif arg.startswith("+"):
            on |= every
        else:
            on = (on if arg is not args[0] else frozenset[str]()) | every
    return on


def _section(one: Line, folder: str = "") -> Section:
    return Section(heading=one.text, kind=one.name, block=one.block or (), folder=folder)


def _nested(before: Sequence[Section], *names: str) -> Iterator[Line]:
    for section in before:
        for line in section.block:
            if line.name in names:
                yield line


def _flat(block: tuple[Line, ...]) -> Iterator[Line]:
    """The lines, those in containers that hold for a method as well."""
    for line in block:
        yield line
        if line.name in ("limit", "limitexcept", "ifmodule"):
            yield from _flat(line.block or ())


def _is_folder(text: str, folder: str) -> bool:
    text = re.sub("/+", "/", text).rstrip("/") or "/"
    return _fits(folder, text) if _has_marks(text) else text == folder


def _has_marks(text: str) -> bool:
    return any(mark in text for mark in _MARKS)


def _fits(text: str, pattern: str) -> bool:
    """As fnmatch(3) with FNM_PATHNAME: no star goes over a slash."""
    if text.count("/") != pattern.count("/"):
        return False
    return all(map(fnmatchcase, text.split("/"), pattern.split("/")))


def _search(pattern: str, text: str) -> bool:
    """Raises UnknownValue for an expression that cannot be read, or might take too long."""
    return expression(pattern).search(text) is not None
