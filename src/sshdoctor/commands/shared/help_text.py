"""What the commands and their options are for: --help, the man page and the completion are made from it."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping

from invoke.collection import Collection
from invoke.parser.context import ParserContext
from msgspec import Struct

from sshdoctor.commands.shared.command_line import SHORT

_PLACEHOLDER = re.compile(r"([A-Z][A-Z_:=]*): ")
_WIDTH = 80
_COLUMN = 34
ABOUT = "Finds out, from both sides, why a client cannot get in, and repairs it under guard."


class OptionHelp(Struct, frozen=True):
    """One option: ``-i FILE, --inventory FILE`` and what it is for; ``value`` is "" if it takes none."""

    name: str
    short: str
    value: str
    text: str

    @property
    def spelled(self) -> str:
        names = [self.short] * bool(self.short) + [f"--{self.name}"]
        return ", ".join(names) + (f" {self.value}" if self.value else "")


class CommandHelp(Struct, frozen=True):
    """One command: what it does, its options, and the words that stand without an option's name."""

    name: str
    summary: str
    options: tuple[OptionHelp, ...]
    words: str


def help_of(collection: Collection, contexts: Mapping[str, ParserContext]) -> dict[str, CommandHelp]:
    """The texts of every command, by name, in the order in which they were added."""
    letters = {name: letter for letter, name in SHORT.items()}
    found = {}
    for name in contexts:
        task, context = collection[name], contexts[name]
        options = tuple(
            _option(key, letters.get(key, ""), argument.takes_value and key != "verbose", argument.help or "")
            for key, argument in context.args.items()
        )
        positional = tuple(argument.names[0] for argument in context.positional_args)
        found[name] = CommandHelp(name, inspect.getdoc(task) or "", options, _words(options, positional))
    return found


def _option(name: str, short: str, takes_value: bool, text: str) -> OptionHelp:
    placeholder = _PLACEHOLDER.match(text)
    if placeholder:
        return OptionHelp(name, short, placeholder[1], text[placeholder.end() :])
    return OptionHelp(name, short, "VALUE" if takes_value else "", text)


def _words(options: tuple[OptionHelp, ...], positional: tuple[str, ...]) -> str:
    named = {option.name: option.value for option in options}
    words = [named[name] for name in positional]
    return " ".join([*words, *(["HOST"] if "host" in named else [])])


def program_help(helps: Mapping[str, CommandHelp], program: str) -> str:
    """``--help`` of the program."""
    lines = [f"Usage: {program} COMMAND [HOST] [OPTIONS]", "", *textwrap.wrap(ABOUT, _WIDTH), "", "Commands:"]
    for one in helps.values():
        lines += _entry(one.name, one.summary.split("\n")[0], 15)
    lines += ["", f"{program} COMMAND --help tells the options of one; {program} --version its version."]
    return "\n".join(lines) + "\n"


def command_help(one: CommandHelp, program: str) -> str:
    """``--help`` of one command."""
    words = f" {one.words}" if one.words else ""
    about = [part for line in one.summary.splitlines() for part in textwrap.wrap(line, _WIDTH) or [""]]
    lines = [f"Usage: {program} {one.name}{words} [OPTIONS]", "", *about, "", "Options:"]
    for option in one.options:
        lines += _entry(option.spelled, option.text, _COLUMN)
    return "\n".join(lines) + "\n"


def _entry(label: str, text: str, column: int) -> Iterator[str]:
    first = f"  {label}".ljust(column)
    wrapped = textwrap.wrap(text, _WIDTH - column) or [""]
    if len(first) > column or first[-1] != " ":
        yield first.rstrip()
    else:
        yield (first + wrapped.pop(0)).rstrip()
    yield from (" " * column + line for line in wrapped)
