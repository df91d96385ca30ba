"""Apache's configuration language: directives and sections, includes followed, each with file and line.

Sources: the manual (configuring, sections); ap_build_cont_config in httpd's server/config.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from posixpath import join

from msgspec import Struct

from sshdoctor.access_rules.verdict import Rule

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_DEEP = 30


class Line(Struct, frozen=True, kw_only=True):
    """A directive, or a section with what is in it; names in lower case."""

    name: str
    args: tuple[str, ...]
    text: str
    file: str
    line: int
    block: tuple[Line, ...] | None = None

    @property
    def rule(self) -> Rule:
        return Rule(file=self.file, line=self.line, text=self.text)

    def all(self, *names: str) -> tuple[Line, ...]:
        return tuple(one for one in self.block or () if one.name in names)

    def holds(self, wanted: Line | None) -> bool:
        """Whether it is this line, or stands in this section."""
        return self is wanted or any(one.holds(wanted) for one in self.block or ())


class Reader:
    """Reads the files of one server. ``modules`` are those that are loaded, None where that is not known."""

    def __init__(
        self,
        files: Mapping[str, str],
        variables: Mapping[str, str] | None = None,
        modules: Sequence[str] | None = None,
        root: str = "/etc/apache2",
    ) -> None:
        self.files, self.variables, self.root = files, dict(variables or {}), root
        self.modules = modules

    def read(self, main: str) -> Line:
        """All that is loaded from the file ``main``."""
        return Line(name="", args=(), text="", file=main, line=0, block=tuple(self._file(main, 0)))

    def text(self, text: str, path: str) -> tuple[Line, ...]:
        """The lines of one file, such as an .htaccess."""
        return tuple(self._section(_lines(text), path, "", 0))

    def _file(self, path: str, depth: int) -> Iterator[Line]:
        if depth <= _DEEP and path in self.files:
            yield from self._section(_lines(self.files[path]), path, "", depth)

    def _section(self, lines: Iterator[tuple[int, str]], path: str, name: str, depth: int) -> Iterator[Line]:
        for number, text in lines:
            if text.startswith("</"):
                return
            if text.startswith("<"):
                yield from self._inner(lines, number, text, path, depth)
                continue
            word, _, rest = text.partition(" ")
            args = tuple(_VARIABLE.sub(lambda f: self.variables.get(f[1], f[0]), one) for one in words(rest))
            word = word.lower()
            if word in ("include", "includeoptional") and args:
                yield from self._included(args[0], depth)
                continue
            if word == "define" and args:
                self.variables[args[0]] = args[1] if len(args) > 1 else ""
            yield Line(name=word, args=args, text=text, file=path, line=number)

    def _inner(
        self, lines: Iterator[tuple[int, str]], number: int, text: str, path: str, depth: int
    ) -> Iterator[Line]:
        name, _, rest = text[1:].rpartition(">")[0].strip().partition(" ")
        name = name.lower()
        args = tuple(_VARIABLE.sub(lambda f: self.variables.get(f[1], f[0]), one) for one in words(rest))
        block = tuple(self._section(lines, path, name, depth))
        if name in ("ifmodule", "ifdefine", "ifversion"):
            if self._applies(name, args):
                yield from block
            return
        yield Line(name=name, args=args, text=text, file=path, line=number, block=block)

    def _applies(self, name: str, args: Sequence[str]) -> bool:
        if not args:
            return False
        word, negated = args[0].removeprefix("!"), args[0].startswith("!")
        if name == "ifmodule":
            module = word.removeprefix("mod_").removesuffix(".c").removesuffix("_module")
            known = (
                self.modules is None or module in self.modules or module.rstrip("0123456789") in self.modules
            )
            return known != negated
        if name == "ifdefine":
            return (word in self.variables) != negated
        return _version_fits(args)

    def _included(self, pattern: str, depth: int) -> Iterator[Line]:
        path = join(self.root, pattern)
        if path in self.files:
            yield from self._file(path, depth + 1)
            return
        inside = path.rstrip("/") + "/*"
        for file in sorted(self.files):
            fits = file.count("/") == path.count("/") and fnmatchcase(file, path)
            if fits or fnmatchcase(file, inside):
                yield from self._file(file, depth + 1)


def _version_fits(args: Sequence[str]) -> bool:
    """``<IfVersion >= 2.4>``: what is written for 2.4 holds, what is for older ones does not."""
    operator, number = args if len(args) == 2 else ("=", args[0])
    wanted = tuple(int(part) for part in number.split(".")[:2] if part.isdecimal())
    below, above = wanted <= (2, 4), wanted > (2, 4)
    holds = {">": below, ">=": below, "<": above, "<=": wanted >= (2, 4)}
    return holds.get(operator.lstrip("!"), wanted == (2, 4)) != operator.startswith("!")


_WORD = re.compile(r"""\s*(?:"((?:\\["\\]|[^"])*)"?|'((?:\\['\\]|[^'])*)'?|(\S+))""")


def words(text: str) -> tuple[str, ...]:
    """The words of a line, quotes taken away (ap_getword_conf).

    >>> words('"a b" c')
    ('a b', 'c')
    """
    found = []
    for one in _WORD.finditer(text.strip()):
        quoted = one[1] if one[1] is not None else one[2]
        mark = '"' if one[1] is not None else "'"
        plain = one[3] if quoted is None else quoted.replace(f"\\{mark}", mark)
        found.append(plain.replace("\\\\", "\\"))
    return tuple(found)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Numbered lines, continued ones joined, comments and blank ones left out."""
    whole, first = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        first = first if whole else number
        if line.endswith("\\"):
            whole += line[:-1] + " "
            continue
        whole += line
        stripped = whole.strip()
        if stripped and not stripped.startswith("#"):
            yield first, stripped
        whole = ""
