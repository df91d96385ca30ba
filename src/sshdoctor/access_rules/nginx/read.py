"""nginx's configuration language: directives, blocks, includes, each with file and line.

Source: ngx_conf_read_token in nginx's src/core/ngx_conf_file.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import translate
from functools import cache
from posixpath import dirname, join

from msgspec import Struct

from sshdoctor.access_rules.verdict import Rule

_TOKEN = re.compile(
    r"""\s+|\#[^\n]*|(?P<mark>[;{}])|"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'"""
    r"""|(?P<word>(?:[^\s;{}"'\\\#$]|\\.|\$\{[^}]*\}|\$)(?:[^\s;{\\$]|\\.|\$\{[^}]*\}|\$)*)""",
    re.DOTALL,
)
_ESCAPE = re.compile(r"""\\(["'\\trn])|\\(.)""", re.DOTALL)
_BLANKS = {"t": "\t", "r": "\r", "n": "\n"}
_DEEP = 30


class Directive(Struct, frozen=True, kw_only=True):
    """``block`` None: it ends with a semicolon."""

    name: str
    args: tuple[str, ...]
    file: str
    line: int
    block: tuple[Directive, ...] | None = None

    @property
    def rule(self) -> Rule:
        """Where it stands, for a person."""
        end = ";" if self.block is None else " {"
        return Rule(file=self.file, line=self.line, text=" ".join((self.name, *self.args)) + end)

    def all(self, *names: str) -> tuple[Directive, ...]:
        """Those of these names right in its block."""
        return tuple(one for one in self.block or () if one.name in names)

    def first(self, name: str) -> Directive | None:
        return next(iter(self.all(name)), None)


def read(files: Mapping[str, str], main: str) -> Directive:
    """The configuration that begins in the file ``main``: a directive without a name, with all in its block.

    ``files`` has texts by paths. A file that an include names and that is not there is passed over.
    """
    return Directive(name="", args=(), file=main, line=0, block=_file(files, main, dirname(main), 0))


def _file(files: Mapping[str, str], path: str, folder: str, depth: int) -> tuple[Directive, ...]:
    if depth > _DEEP or path not in files:
        return ()
    return _block(_tokens(files[path]), files, path, folder, depth)


def _block(
    tokens: Iterator[tuple[str, int, bool]], files: Mapping[str, str], path: str, folder: str, depth: int
) -> tuple[Directive, ...]:
    found: list[Directive] = []
    words: list[str] = []
    line = 0
    for word, at, quoted in tokens:
        if quoted or word not in (";", "{", "}"):
            line = line if words else at
            words.append(word)
            continue
        if word == "}":
            break
        said, (name, *args) = bool(words), words or [""]
        words = []
        if word == "{":
            if name.endswith("_by_lua_block"):
                _skip(tokens)
                found.append(Directive(name=name, args=tuple(args), file=path, line=line))
                continue
            block = _block(tokens, files, path, folder, depth)
            found.append(Directive(name=name, args=tuple(args), file=path, line=line, block=block))
        elif name == "include" and args:
            found += _included(files, join(folder, args[0]), folder, depth)
        elif said:  # the name may be an empty one: "" in a map
            found.append(Directive(name=name, args=tuple(args), file=path, line=line))
    return tuple(found)


def _skip(tokens: Iterator[tuple[str, int, bool]]) -> None:
    depth = 1
    for token, _, quoted in tokens:
        depth += {"{": 1, "}": -1}.get(token, 0) if not quoted else 0
        if not depth:
            return


def _included(files: Mapping[str, str], pattern: str, folder: str, depth: int) -> Iterator[Directive]:
    if not any(mark in pattern for mark in "*?["):
        yield from _file(files, pattern, folder, depth + 1)
        return
    expression = _glob(pattern)
    for path in sorted(one for one in files if expression.fullmatch(one)):
        yield from _file(files, path, folder, depth + 1)


@cache
def _glob(pattern: str) -> re.Pattern[str]:
    """As glob(3) has it: no star goes over a slash, nor takes a dot that begins a name."""
    text = translate(pattern).replace(".*", "[^/]*")
    if pattern.rpartition("/")[2].startswith("*"):
        text = re.sub(r"/(?=\(\?>|\[\^/\]\*)(?!.*/)", r"/(?!\\.)", text)
    return re.compile(text)


def _tokens(text: str) -> Iterator[tuple[str, int, bool]]:
    """Each word with its line, and whether it was quoted."""
    line, at = 1, 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            at += 1
            continue
        begins = line
        line += text.count("\n", at, found.end())
        at = found.end()
        if found["mark"]:
            yield found["mark"], begins, False
        elif found["word"] is not None:
            yield _plain(found["word"]), begins, False
        elif found["double"] is not None:
            yield _plain(found["double"]), begins, True
        elif found["single"] is not None:
            yield _plain(found["single"]), begins, True


def _plain(word: str) -> str:
    r"""Without the escapes that nginx takes away; others stay, backslash and all.

    >>> _plain(r"\.php\"")
    '\\.php"'
    """
    if "\\" not in word:
        return word
    return _ESCAPE.sub(lambda f: _BLANKS.get(f[1], f[1]) if f[1] else f[0], word)
