"""A text of POSIX sh as tokens: words as they stand, with their quotes, and operators (POSIX, Shell Command
Language)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

_OPERATORS = ("&&", "||", ";;", "\n", ";", "|", "&")
_REDIRECTION = re.compile(r"\d?(?:>>|>\||>&|<&|<<|>|<)[ \t]*(?:&?[^\s;|&<>]+)?")


class Token(Struct, frozen=True):
    """``operator``: it is no word but one of && || ; | & or a line's end."""

    text: str
    operator: bool = False


class ShellError(ValueError):
    """A shell would refuse the text, or it is one that is not understood; the message says where."""


def tokens(text: str) -> Iterator[Token]:
    """The tokens of ``text``, without comments and redirections. Raises ShellError.

    >>> [token.text for token in tokens("a 'b c' >/dev/null 2>&1 || d $(e | f)")]
    ['a', "'b c'", '||', 'd', '$(e | f)']
    """
    text, at = text.replace("\\\n", " "), 0
    while at < len(text):
        if text[at] in " \t":
            at += 1
        elif text[at] == "#":
            at = _line_end(text, at)
        elif found := _REDIRECTION.match(text, at):
            at = found.end()
        elif operator := next((each for each in _OPERATORS if text.startswith(each, at)), ""):
            yield Token(operator, operator=True)
            at += len(operator)
        else:
            end = _word_end(text, at)
            yield Token(text[at:end])
            at = end


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _word_end(text: str, at: int) -> int:
    while at < len(text) and text[at] not in " \t\n;|&<>":
        at = past(text, at)
    return at


def past(text: str, at: int) -> int:
    """Where the character, the quoted string or the substitution at ``at`` ends."""
    if text[at] == "\\":
        return min(at + 2, len(text))
    if text[at] == "'":
        return _closing(text, at + 1, "'")
    if text[at] == '"':
        at += 1
        while at < len(text) and text[at] != '"':
            at = at + 2 if text[at] == "\\" else past(text, at) if text[at : at + 2] == "$(" else at + 1
        if at >= len(text):
            raise ShellError('a " is not closed')
        return at + 1
    if text[at] == "`":
        return _closing(text, at + 1, "`")
    if text[at : at + 2] == "$(":
        at += 2
        while at < len(text) and text[at] != ")":
            at = past(text, at)
        if at >= len(text):
            raise ShellError("a $( is not closed")
        return at + 1
    return at + 1


def _closing(text: str, at: int, sign: str) -> int:
    end = text.find(sign, at)
    if end < 0:
        raise ShellError(f"a {sign} is not closed")
    return end + 1
