"""Which lines of Apache's configuration rule over one request, in the order in which sections are merged.

Sources: the manual's "Configuration Sections" (how sections are merged), mod_authz_core (AuthMerging is off:
the last section with a Require takes the place of those before), mod_access_compat.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from msgspec import Struct

from sshdoctor.access_rules.apache.read import Line, Reader
from sshdoctor.access_rules.foreign import foreign

_COMPAT = ("order", "allow", "deny")
_REQUIRE = ("require", "requireall", "requireany", "requirenone")


class Host(Struct, frozen=True, kw_only=True):
    """The virtual host that answers; ``by_name``: the name is its own. ``block`` None: the main server."""

    block: Line | None
    by_name: bool


def choose_host(configuration: Line, name: str, port: int, address: str = "") -> Host:
    """By the addresses first, then by the name; the first of those there are is the default."""
    there = [one for one in configuration.all("virtualhost") if _listens(one, port, address)]
    exact = [one for one in there if any(not arg.startswith(("*", "_default_")) for arg in one.args)]
    there = exact or there
    for one in there:
        names = [arg.partition(":")[0] for line in one.all("servername", "serveralias") for arg in line.args]
        names = [known.removeprefix("http//").lower() for known in names]
        if any(fnmatchcase(name.lower(), known) for known in names):
            return Host(block=one, by_name=True)
    return Host(block=there[0] if there else None, by_name=False)


def _listens(one: Line, port: int, address: str) -> bool:
    for arg in one.args:
        where, _, number = arg.rpartition(":") if ":" in arg.rpartition("]")[2] else (arg, "", "")
        if number not in ("", "*", str(port)):
            continue
        if where.strip("[]") in ("*", "_default_", address, "0.0.0.0") or not address:  # noqa: S104 -- what a file says
            return True
    return False


class Governed:
    """The sections that hold for a file and a path, the strongest last."""

    def __init__(
        self,
        configuration: Line,
        host: Line | None,
        file: str,
        path: str,
        htaccess: Mapping[str, str],
        reader: Reader,
    ) -> None:
        self.scopes = [configuration] + ([host] if host else [])
        self.file, self.path, self.htaccess, self.reader = file, path, htaccess, reader

    def sections(self) -> list[tuple[str, tuple[Line, ...]]]:
        """Each with how it is headed: ``<Directory /srv>``, or an .htaccess by its path."""
        folders = self._folders()
        found: list[tuple[str, tuple[Line, ...]]] = []
        override = {"none"}
        for folder in folders:
            for scope in self.scopes:
                for one in scope.all("directory"):
                    if len(one.args) == 1 and _is_folder(one.args[0], folder):
                        found.append((one.text, one.block or ()))
                        override = _overrides(one) or override
            file = f"{folder.rstrip('/')}/.htaccess"
            if file in self.htaccess and override != {"none"}:
                found.append((file, self.reader.text(self.htaccess[file], file)))
        for scope in self.scopes:
            for one in scope.all("directorymatch", "directory"):
                expression = one.args[-1] if one.name == "directorymatch" or one.args[:1] == ("~",) else ""
                if expression and any(_search(expression, folder + "/") for folder in folders):
                    found.append((one.text, one.block or ()))
        found += list(self._of_files(found))
        for scope in self.scopes:
            for one in scope.all("location", "locationmatch"):
                if self._located(one):
                    found.append((one.text, one.block or ()))
        return found

    def _folders(self) -> list[str]:
        parts = self.file.strip("/").split("/") if self.file else []
        return ["/", *("/" + "/".join(parts[: number + 1]) for number in range(len(parts)))]

    def _of_files(self, before: list[tuple[str, tuple[Line, ...]]]) -> Iterator[tuple[str, tuple[Line, ...]]]:
        name = self.file.rpartition("/")[2]
        lines = [line for scope in self.scopes for line in scope.block or ()]
        lines += [line for _, block in before for line in block]
        for one in lines:
            if (
                one.name == "files"
                and one.args
                and (_search(one.args[-1], name) if one.args[0] == "~" else fnmatchcase(name, one.args[0]))
            ) or (one.name == "filesmatch" and one.args and _search(one.args[0], name)):
                yield one.text, one.block or ()

    def _located(self, one: Line) -> bool:
        if not one.args:
            return False
        text = one.args[-1]
        if one.name == "locationmatch" or one.args[0] == "~":
            return _search(text, self.path)
        if any(mark in text for mark in "*?["):
            return fnmatchcase(self.path, text)
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


def _flat(block: tuple[Line, ...]) -> Iterator[Line]:
    """The lines, those in containers that hold for a method as well."""
    for line in block:
        yield line
        if line.name in ("limit", "limitexcept", "if", "ifmodule"):
            yield from _flat(line.block or ())


def _overrides(one: Line) -> set[str]:
    lines = one.all("allowoverride", "allowoverridelist")
    return {arg.lower() for arg in lines[-1].args} if lines else set()


def _is_folder(text: str, folder: str) -> bool:
    text = text.rstrip("/") or "/"
    if any(mark in text for mark in "*?["):
        return text.count("/") == folder.count("/") and fnmatchcase(folder, text)
    return text == folder


def _search(expression: str, text: str) -> bool:
    try:
        return foreign(expression).search(text) is not None
    except re.error:
        return False
