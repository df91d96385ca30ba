"""The commands of an action, followed as a shell would, over rules that are held in memory. Nothing is run.

Known: lists, ``&&`` and ``||``, pipes, ``{ }``, ``if``, ``for``, variables, and ``$(echo ... | sed | tr)``.
What else stands there is refused (ShellError), so that it comes to Unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from sshdoctor.protection.action.words import ShellError, Token, past, tokens

Command = Callable[[Sequence[str]], bool]
"""Does what a command does, and gives whether it succeeds. Raises ShellError for one that is not known."""

_ENDS = {"}", "then", "else", "elif", "fi", "do", "done"}
_ENDLESS = 200
_QUOTED = re.compile(r"""'[^']*'|"(?:\\.|[^"\\])*\"""")


class Shell:
    """Follows texts; ``command`` does what a simple command does."""

    def __init__(self, command: Command, variables: Mapping[str, str] | None = None) -> None:
        self._command, self._variables = command, dict(variables or {})
        self._tokens: list[Token] = []
        self._at = 0
        self._steps = 0

    def follow(self, text: str) -> bool:
        """Whether ``text`` succeeds. Raises ShellError."""
        outer = self._tokens, self._at
        self._tokens, self._at = list(tokens(text)), 0
        try:
            status = self._list(live=True)
            if self._at < len(self._tokens):
                raise ShellError(f"{self._tokens[self._at].text} stands where a shell expects none")
            return status
        finally:
            self._tokens, self._at = outer

    def _peek(self) -> Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _is(self, *texts: str, operator: bool = False) -> bool:
        token = self._peek()
        return token is not None and token.operator is operator and token.text in texts

    def _expect(self, text: str) -> None:
        if not self._is(text):
            raise ShellError(f"{text} is missing")
        self._at += 1

    def _list(self, *, live: bool) -> bool:
        status = True
        while True:
            while self._is(";", "\n", "&", operator=True):
                self._at += 1
            if self._peek() is None or self._is(*_ENDS):
                return status
            status = self._and_or(live=live)

    def _and_or(self, *, live: bool) -> bool:
        status = self._pipeline(live=live)
        while self._is("&&", "||", operator=True):
            wanted = self._tokens[self._at].text == "&&"
            self._at += 1
            while self._is("\n", operator=True):
                self._at += 1
            goes = live and status is wanted
            after = self._pipeline(live=goes)
            status = after if goes else status
        return status

    def _pipeline(self, *, live: bool) -> bool:
        negated = self._is("!")
        self._at += negated
        status = self._one(live=live)
        while self._is("|", operator=True):
            self._at += 1
            status = self._one(live=live) and status
        return status is not negated

    def _one(self, *, live: bool) -> bool:
        if self._is("{"):
            self._at += 1
            status = self._list(live=live)
            self._expect("}")
            return status
        if self._is("if"):
            self._at += 1
            return self._if(live=live)
        if self._is("for"):
            self._at += 1
            return self._for(live=live)
        if self._is("while", "until", "case", "("):
            raise ShellError(f"{self._tokens[self._at].text} is not followed")
        return self._simple(live=live)

    def _if(self, *, live: bool) -> bool:
        holds = self._list(live=live)
        self._expect("then")
        status = self._list(live=live and holds)
        if self._is("elif"):
            self._at += 1
            after = self._if(live=live and not holds)
            return status if holds else after
        if self._is("else"):
            self._at += 1
            other = self._list(live=live and not holds)
            status = status if holds else other
        self._expect("fi")
        return status

    def _for(self, *, live: bool) -> bool:
        name = self._next()
        self._expect("in")
        values: list[str] = []
        while not (self._peek() is None or self._is(";", "\n", operator=True)):
            values += self._expanded(self._next(), live=live).split()
        while self._is(";", "\n", operator=True):
            self._at += 1
        self._expect("do")
        begin, status = self._at, True
        for value in values if live else ():
            self._variables[name], self._at = value, begin
            status = self._list(live=True)
        if not values or not live:
            self._list(live=False)
        self._expect("done")
        return status

    def _next(self) -> str:
        token = self._peek()
        if token is None or token.operator:
            raise ShellError("a word is missing")
        self._at += 1
        return token.text

    def _simple(self, *, live: bool) -> bool:
        words: list[str] = []
        while (token := self._peek()) is not None and not token.operator:
            words.append(token.text)
            self._at += 1
        if not words:
            raise ShellError("a command is missing")
        if not live:
            return True
        self._steps += 1
        if self._steps > _ENDLESS:
            raise ShellError("it does not end")
        if found := re.fullmatch(r"(\w+)=(.*)", words[0], re.S):
            self._variables[found[1]] = self._expanded(found[2], live=True)
            words = words[1:]
        filled: list[str] = []
        for word in words:
            text = self._expanded(word, live=True)
            filled += text.split() if _QUOTED.sub("", word).count("$") else [text]
        return self._command(filled) if filled else True

    def _expanded(self, word: str, *, live: bool) -> str:
        """``word`` with its quotes gone, variables and substitutions filled in."""
        if not live:
            return word
        text, at = "", 0
        while at < len(word):
            if word[at] == "'":
                end = word.index("'", at + 1)
                text, at = text + word[at + 1 : end], end + 1
            elif word[at] == '"':
                end = _quoted_end(word, at + 1)
                text, at = text + self._filled(word[at + 1 : end]), end + 1
            elif word[at] == "\\":
                text, at = text + word[at + 1 : at + 2], at + 2
            else:
                end = _plain_end(word, at)
                text, at = text + self._filled(word[at:end]), end
        return text

    def _filled(self, text: str) -> str:
        text = re.sub(
            r"\$\(((?:[^()\\]|\\.)*+)\)|`([^`]*)`", lambda found: self._output(found[1] or found[2]), text
        )
        names = re.compile(r"\$(\w+)|\$\{(\w+)\}")
        return names.sub(lambda found: self._variables.get(found[1] or found[2], ""), text)

    def _output(self, text: str) -> str:
        """What a pipe of echo, sed and tr prints, or one of two that a test chooses. Raises ShellError for
        another."""
        if found := re.fullmatch(r"(\[ [^&|]{1,200} \]) && ([^&|]{1,200}) \|\| ([^&|]{1,200})", text):
            holds = Shell(self._command, self._variables).follow(found[1])
            return self._output(found[2 if holds else 3].strip())
        first, *others = [part.strip() for part in text.split(" | ")]
        if not first.startswith("echo "):
            raise ShellError(f"what $({text}) prints is not known")
        said = self._expanded(first[5:].strip(), live=True)
        for other in others:
            if found := re.fullmatch(r"sed (?:-e )?'?s(.)(.{1,200}?)\1(.{0,200}?)\1g'?", other):
                said = said.replace(found[2], found[3])
            elif found := re.fullmatch(r"""tr ["'](.{1,200}?)["'] ["'](.{1,200}?)["']""", other):
                said = said.translate({ord(each): found[2][-1] for each in found[1]})
            else:
                raise ShellError(f"what {other.split()[0]} makes of it is not known")
        return said


def _quoted_end(word: str, at: int) -> int:
    while word[at] != '"':
        at += 2 if word[at] == "\\" else 1
    return at


def _plain_end(word: str, at: int) -> int:
    while at < len(word) and word[at] not in "'\"\\":
        at = past(word, at)
    return at
