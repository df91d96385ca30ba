"""C sources in, their calls out: which function calls which, with which arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<comment>/\*.*?\*/|//[^\n]*)
      | (?P<string>"(?:\\.|[^"\\])*")
      | (?P<char>'(?:\\.|[^'\\])*')
      | (?P<line>^[ \t]*\#(?:[^\n\\]|\\.)*$)
      | (?P<word>[A-Za-z_]\w*)
      | (?P<space>\s+)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_DEFINITION = re.compile(r"^(?:[A-Za-z_][\w \t]*[ \t*]+)?([A-Za-z_]\w*)\([^;{}]*\)\s*\{", re.MULTILINE)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "'": "'", "0": "\0"}


@dataclass(frozen=True, slots=True)
class Call:
    """One call: who calls, what is called, and the arguments as lists of tokens."""

    function: str
    """The function that the call stands in, or empty outside of all."""
    name: str
    arguments: tuple[tuple[str, ...], ...]


def calls(text: str, names: Set[str]) -> Iterator[Call]:
    """All calls in ``text`` of the functions ``names``, in their order; none that only debugging compiles."""
    text = without_debugging(text)
    starts = [(match.start(1), match[1]) for match in _DEFINITION.finditer(text)]
    tokens = list(_tokens(text))
    for at, (position, token) in enumerate(tokens):
        if token in names and at + 1 < len(tokens) and tokens[at + 1][1] in "(":
            function = next((name for start, name in reversed(starts) if start < position), "")
            if position not in {start for start, _ in starts}:
                yield Call(function, token, tuple(_arguments(tokens, at + 2)))


def without_debugging(text: str) -> str:
    """``text`` without what stands between ``#ifdef …DEBUG…`` and its ``#else`` or ``#endif``."""
    kept, conditions = [], []
    for line in text.split("\n"):
        words = re.match(r"\s*#\s*(if\w*|else|elif|endif)\b(.*)", line)
        if words and words[1].startswith("if"):
            conditions.append("DEBUG" in words[2] and words[1] != "ifndef")
        elif words and words[1] in ("else", "elif") and conditions:
            conditions[-1] = False
        elif words and words[1] == "endif" and conditions:
            conditions.pop()
        kept.append("" if any(conditions) else line)
    return "\n".join(kept)


def literal(argument: tuple[str, ...]) -> str | None:
    """The text of adjacent string literals; None if there is anything else, but macros of a format.

    >>> literal(('"bad "', '"owner %"', "PRIu64"))
    'bad owner %llu'
    """
    text = ""
    for token in argument:
        if token.startswith('"'):
            text += re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), token[1:-1])
        elif re.fullmatch(r"PRI[a-z]\w*|[A-Z][A-Z_0-9]+", token):
            text += "llu" if token.startswith("PRI") else "%s"
        else:
            return None
    return text if argument and any(token.startswith('"') for token in argument) else None


def _tokens(text: str) -> Iterator[tuple[int, str]]:
    for match in _TOKEN.finditer(text):
        if match.lastgroup not in ("comment", "space", "line"):
            yield match.start(), match[0]


def _arguments(tokens: list[tuple[int, str]], at: int) -> Iterator[tuple[str, ...]]:
    depth = 0
    argument: list[str] = []
    for _, mark in tokens[at:]:
        if depth == 0 and mark in ")":
            break
        if depth == 0 and mark in ",":
            yield tuple(argument)
            argument = []
            continue
        depth += (mark in "([{") - (mark in ")]}")
        argument.append(mark)
    yield tuple(argument)
