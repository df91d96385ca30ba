"""A script of nft in words: strings, signs, ends of lines; variables and included files put in their place.

Sources: nft(8), and what nft 1.0.6 takes.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from sshdoctor.errors import RulesError

_TOKEN = re.compile(
    r"""
    (?P<skip>[ \t\r\f\v\0\ufeff\xa0]+|\\\s*\n)
    |\#[ ]xt_(?P<xt>\S+)
    |\#[ ]handle[ ](?P<handle>\d+)[^\n]*
    |(?P<comment>\#[^\n]*)
    |"(?P<string>[^"\n]*)"
    |(?P<end>[\n;])
    |(?P<sign>==|!=|<=|>=|<<|>>|[{}(),=<>&|^!])
    |(?P<word>[^\s{}(),;="!<>&|^\#]+)
    |(?P<other>.)
    """,
    re.X,
)

Include = Callable[[str], Iterable[str]]
"""The texts that ``include "PATTERN"`` stands for. Raises RulesError if they cannot be had."""


class Token(NamedTuple):
    """``kind`` is word, string, sign, end or xt; it is ``source`` from ``start`` to ``stop``.

    The text of an end is the handle that stands before it, if any.
    """

    kind: str
    text: str
    source: str
    start: int
    stop: int

    def line(self) -> int:
        return self.source.count("\n", 0, self.start) + 1


_END = Token("end", "", "", 0, 0)


class NotUnderstoodError(Exception):
    """Words that are none of nft's, as far as it is known here."""


def tokens_of(text: str, include: Include) -> list[Token]:
    """Every token, with what variables and included files stand for.

    Raises RulesError for a variable that is not defined, or a file that is not there.
    """
    found: list[Token] = []
    _expand(deque(_plain(text)), {}, include, found)
    return found


def _plain(text: str) -> Iterator[Token]:
    handle = ""
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "other"
        if kind in ("skip", "comment"):
            continue
        found = match[kind]
        if kind == "handle":
            handle = found
            continue
        if kind == "end":
            found, handle = handle, ""
        yield Token("word" if kind == "other" else kind, found, text, match.start(), match.end())


def _expand(
    rest: deque[Token], variables: dict[str, list[Token]], include: Include, found: list[Token]
) -> None:
    while rest:
        token = rest.popleft()
        begins = not found or found[-1].kind == "end" or found[-1].text in "{}"
        if begins and token.text in ("define", "redefine") and token.kind == "word":
            name = rest.popleft().text if rest else ""
            variables[name] = _defined(rest, variables)
        elif begins and token.text == "undefine" and rest:
            variables.pop(rest.popleft().text, None)
        elif begins and token.text == "include" and rest and rest[0].kind == "string":
            for text in include(rest.popleft().text):
                _expand(deque(_plain(text)), variables, include, found)
        else:
            found.extend(_replaced(token, variables))


def _defined(rest: deque[Token], variables: Mapping[str, list[Token]]) -> list[Token]:
    """What stands right of ``=``, up to the end of the line that no brace is open in."""
    value: list[Token] = []
    depth = 0
    if rest and rest[0].text == "=":
        rest.popleft()
    while rest and (depth or rest[0].kind != "end"):
        token = rest.popleft()
        depth += {"{": 1, "}": -1}.get(token.text, 0) if token.kind == "sign" else 0
        if token.kind != "end":
            value.extend(_replaced(token, variables))
    return value


_VARIABLE = re.compile(r"\$(\w+)")


def _replaced(token: Token, variables: Mapping[str, list[Token]]) -> list[Token]:
    """The token, or what its variable holds; ``$lan/24`` and ``$host:22`` take a single word in."""
    if token.kind != "word" or "$" not in token.text:
        return [token]
    whole = _VARIABLE.fullmatch(token.text)
    if whole:
        return [token._replace(kind=each.kind, text=each.text) for each in _value(whole[1], token, variables)]

    def one(match: re.Match[str]) -> str:
        value = _value(match[1], token, variables)
        if len(value) != 1:
            raise RulesError(f"line {token.line()}: {token.text}: the variable is no single value")
        return value[0].text

    return [token._replace(text=_VARIABLE.sub(one, token.text))]


def _value(name: str, token: Token, variables: Mapping[str, list[Token]]) -> list[Token]:
    if name not in variables:
        raise RulesError(f"line {token.line()}: the variable ${name} is not defined in the file")
    return variables[name]


class Reader:
    """Where the reading stands."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = [*tokens, _END]
        self.place = 0
        self._last = len(tokens)

    @property
    def token(self) -> Token | None:
        """The next token, None behind the last."""
        return self.tokens[self.place] if self.place < self._last else None

    @property
    def text(self) -> str:
        """The text of the next token; "" at the end of a line or of everything."""
        token = self.tokens[self.place]
        return "" if token.kind == "end" else token.text

    @property
    def sign(self) -> str:
        """The next token if it is a sign, "" otherwise."""
        token = self.tokens[self.place]
        return token.text if token.kind == "sign" else ""

    @property
    def kind(self) -> str:
        return self.tokens[self.place].kind

    @property
    def handle(self) -> int | None:
        """The handle that stands at the end of the line, where the reading is."""
        token = self.tokens[self.place]
        return int(token.text) if token.kind == "end" and token.text.isdigit() else None

    def after(self) -> str:
        """The text of the token after the next."""
        if self.place >= self._last:
            return ""
        token = self.tokens[self.place + 1]
        return "" if token.kind == "end" else token.text

    def take(self) -> str:
        """The next token. Raises NotUnderstoodError at the end."""
        token = self.tokens[self.place]
        if token.kind == "end":
            raise NotUnderstoodError("the line ends too early")
        self.place += 1
        return token.text

    def accept(self, *texts: str) -> bool:
        """Whether the next token is one of these words or signs; it is taken then."""
        token = self.tokens[self.place]
        if token.text in texts and token.kind in ("word", "sign"):
            self.place += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.accept(text):
            raise NotUnderstoodError(f"expected {text!r}, not {self.text!r}")

    def put_back(self, *texts: str) -> None:
        """Words in the place of the token that was taken last."""
        token = self.tokens[self.place - 1]
        self.tokens[self.place - 1 : self.place] = [token._replace(kind="word", text=text) for text in texts]
        self.place -= 1
        self._last += len(texts) - 1

    def skip_ends(self) -> None:
        while self.place < self._last and self.tokens[self.place].kind == "end":
            self.place += 1

    def said(self, start: int) -> str:
        """What the source says from the token at ``start`` to the one before this place, in one line."""
        tokens = [token for token in self.tokens[start : self.place] if token.kind != "end"]
        if not tokens:
            return ""
        same = [token for token in tokens if token.source is tokens[0].source]
        return " ".join(same[0].source[same[0].start : max(token.stop for token in same)].split())
