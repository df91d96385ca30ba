"""The words that a person typed, understood: a command and its options, in Ansible's short forms too.

What is typed wrong is told with what would be right, and nothing is passed on that a command has not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from sshdoctor.commands.shared.other_options import ANSWERS
from sshdoctor.errors import UsageError

SHORT = {
    "-i": "inventory",
    "-l": "limit",
    "-u": "user",
    "-b": "become",
    "-K": "ask-become-pass",
    "-k": "ask-pass",
    "-f": "jobs",
    "-e": "extra-vars",
    "-v": "verbose",
    "-C": "check",
    "-D": "diff",
    "-T": "timeout",
    "-J": "ask-vault-pass",
    "-o": "output",
    "-q": "quiet",
}
"""Ansible's short options, each with the option here that means the same."""

ALIASES = {"forks": "jobs", "inventory-file": "inventory", "key-file": "private-key", "hosts": "host"}
"""Ansible's other names."""

JOINED = {"host": ",", "limit": ",", "message": " "}
"""What is typed several times is one text, put together by this."""

COUNTED = ("verbose",)
"""What counts how often it is typed."""

TAKES_THE_REST = ("rules", "message", "host")
"""Where words go that no option stands before."""


class Option(Struct, frozen=True):
    """One option of a command."""

    name: str
    takes_value: bool
    many: bool = False


class Command(Struct, frozen=True):
    """A command: its options, and those of them that may be given without their names, in order."""

    name: str
    options: Mapping[str, Option]
    positional: tuple[str, ...] = ()


class Typed(Struct, frozen=True):
    """One command with what was typed for it; an option that may be repeated stands there several times."""

    command: str
    values: tuple[tuple[str, str | bool | int], ...]


class Line(Struct, frozen=True, kw_only=True):
    """What a whole command line asks for; ``help_of`` is a command, or "" for the program itself."""

    version: bool = False
    help_of: str | None = None
    commands: tuple[Typed, ...] = ()


def understand(words: Sequence[str], commands: Mapping[str, Command], *, program: str) -> Line:
    """What ``words`` ask ``program`` for. Raises UsageError, which says what would be right."""
    return _Reader(list(words), commands, program).line()


class _Reader:
    def __init__(self, words: list[str], commands: Mapping[str, Command], program: str) -> None:
        self.words, self.commands, self.program = words, commands, program

    def line(self) -> Line:
        found: list[Typed] = []
        while self.words:
            word = self.words.pop(0)
            if word in ("-V", "--version"):
                return Line(version=True)
            if word in ("-h", "--help", "help", "--list") or (word == "-l" and not self.words):
                return Line(help_of=self.helped())
            if word not in self.commands:
                raise UsageError(self.no_command(word))
            reading = _Options(self.commands[word], self.words, self)
            typed = reading.typed()
            if typed is None:
                return Line(help_of=word)
            found.append(typed)
        return Line(commands=tuple(found)) if found else Line(help_of="")

    def helped(self) -> str:
        named = [word for word in self.words if not word.startswith("-")]
        if named and named[0] not in self.commands:
            raise UsageError(self.no_command(named[0]))
        return named[0] if named else ""

    def no_command(self, word: str) -> str:
        if not word.startswith("-"):
            return f"there is no command {word!r}{_meant(word, self.commands)}"
        name = _full_name(word)
        if any(name in command.options for command in self.commands.values()):
            return f"{word} comes after the command: {self.program} COMMAND {word} ..."
        if word.startswith("--") and (meant := _close(word, ("--version", "--help"))):
            return f"there is no option {word}; did you mean {meant}?"
        return f"there is no option {word}; {self.program} --help lists what there is"


class _Options:
    """Reads the options of one command from the front of ``words``."""

    def __init__(self, command: Command, words: list[str], reader: _Reader) -> None:
        self.command, self.words, self.reader = command, words, reader
        self.values: list[tuple[str, str | bool | int]] = []

    def typed(self) -> Typed | None:
        """None where its help is asked for."""
        while self.words:
            word = self.words.pop(0)
            if word in ("-h", "--help"):
                return None
            if word == "--":
                while self.words:
                    self.place(self.words.pop(0))
            elif word.startswith("--"):
                self.long(word)
            elif word.startswith("-") and word != "-":
                self.short(word)
            elif word in self.reader.commands and not self.takes_words():
                self.words.insert(0, word)
                break
            else:
                self.place(word)
        return Typed(self.command.name, tuple(_joined(self.values)))

    def takes_words(self) -> bool:
        rest = any(name in self.command.options for name in TAKES_THE_REST)
        return rest or len(self.command.positional) > len(self.values)

    def place(self, word: str) -> None:
        given = {name for name, _ in self.values}
        names = [name for name in self.command.positional if name not in given]
        names += [name for name in TAKES_THE_REST if name in self.command.options]
        if not names:
            raise UsageError(f"{self.command.name} takes no {word!r}; see {self.command.name} --help")
        self.values.append((names[0], word))

    def long(self, word: str) -> None:
        typed, equals, value = word.partition("=")
        name = ALIASES.get(typed[2:], typed[2:])
        option = self.command.options.get(name)
        if option is None:
            raise UsageError(self.unknown(typed))
        if name in COUNTED and not equals:
            self.values.append((name, 1))
        elif option.takes_value:
            self.values.append((name, value if equals else self.value(typed)))
        elif equals:
            raise UsageError(f"{typed} takes no value")
        else:
            self.values.append((name, True))

    def short(self, word: str) -> None:
        """``-vvv``, ``-f4``, ``-bK``: letters of options that take no value may stand together."""
        for place, letter in enumerate(word[1:], 1):
            name = SHORT.get(f"-{letter}", "")
            option = self.command.options.get(name)
            if option is None:
                raise UsageError(self.unknown(f"-{letter}"))
            if name in COUNTED:
                self.values.append((name, 1))
            elif option.takes_value:
                rest = word[place + 1 :].removeprefix("=")
                self.values.append((name, rest or self.value(f"-{letter}")))
                return
            else:
                self.values.append((name, True))

    def value(self, typed: str) -> str:
        if not self.words:
            raise UsageError(f"{typed} needs a value; see {self.command.name} --help")
        return self.words.pop(0)

    def unknown(self, typed: str) -> str:
        name = _full_name(typed)
        if answer := ANSWERS.get(name):
            return f"{self.command.name} has no {typed}: {answer}"
        having = [one.name for one in self.reader.commands.values() if name in one.options]
        if having:
            belongs = " and ".join([", ".join(having[:-1])] * (len(having) > 1) + having[-1:])
            return f"{typed} belongs to {belongs}, not to {self.command.name}"
        return f"{self.command.name} has no {typed}{_meant(typed, self.flags())}"

    def flags(self) -> list[str]:
        return [f"--{name}" for name in self.command.options]


def _full_name(typed: str) -> str:
    name = SHORT.get(typed) or typed.partition("=")[0].lstrip("-")
    return ALIASES.get(name, name)


def _joined(values: Sequence[tuple[str, str | bool | int]]) -> Iterator[tuple[str, str | bool | int]]:
    """Each option once, but for those that may be repeated."""
    texts: dict[str, str] = {}
    counts: dict[str, int] = {}
    for name, value in values:
        if name in JOINED:
            texts[name] = f"{texts[name]}{JOINED[name]}{value}" if name in texts else str(value)
        elif name in COUNTED:
            counts[name] = counts.get(name, 0) + int(value)
        else:
            yield name, value
    yield from texts.items()
    yield from counts.items()


def _meant(word: str, known: Mapping[str, object] | Sequence[str]) -> str:
    close = _close(word, known)
    return f"; did you mean {close}?" if close else "; see --help"


def _close(word: str, known: Mapping[str, object] | Sequence[str]) -> str:
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, list(known), n=1)), "")
