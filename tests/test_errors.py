"""The errors that reach people are one tree, and the drawing of it is the tree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages

import sshdoctor
from sshdoctor import errors
from sshdoctor.errors import SshdoctorError

ENDS_WHERE_IT_IS_READ = {
    "EndlessDiskError": "a disk's files: the fact becomes Unknown",
    "RepeatedPartError": "a section of a probe: the fact becomes Unknown",
    "OddWordError": "a word of a host: the fact becomes Unknown",
    "NotReadError": "firewalld's files: the rules become Unknown",
    "ClosedError": "a site's connection: the reply is a word",
    "NoRulesError": "files of a web server: the command says what they are not (commands/verdict/site.py)",
    "NotHttpError": "a site's answer: the reply is a word",
    "NoAnswerError": "a resolver's silence: the reply is the word unknown",
    "OvertakenError": "a site's connection: another one answered first",
    "UnknownValue": "a value of nginx: the verdict is unknown",
    "MoreNeededError": "an answer that a stack of PAM asks for: each that there may be is tried",
    "Undecided": "what a door hangs on is not known: the door is unknown",
    "UnreadableError": "a file of PAM that leads nowhere: the whole service is what it comes to then",
    "PortError": "a port in an action of fail2ban: what the ban stops is told by that",
    "ShellError": "a command of an action that is not understood: that a ban stops packets is unknown",
    "NoBanError": "an action that bans nobody: bans stop no packets",
    "NotUnderstoodError": "a statement of nft: the rule becomes a doubt",
}


def raised() -> Iterator[type[Exception]]:
    """Every exception with a public name."""
    for module in walk_packages(sshdoctor.__path__, "sshdoctor."):
        if module.name.endswith("__main__"):
            continue
        for name, value in vars(import_module(module.name)).items():
            own = isinstance(value, type) and value.__module__ == module.name
            if own and issubclass(value, Exception) and not name.startswith("_"):
                yield value


def drawn() -> Iterator[tuple[str, str]]:
    """Each error of the drawing, with the one that it stands under."""
    above = {-1: "Exception"}
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"([│├└─ ]*)([A-Z]\w+Error)\b", line):
            depth = len(match[1]) // 4
            above[depth] = match[2]
            yield match[2], above[depth - 1]


def test_every_error_for_people_is_in_the_tree_and_drawn_where_it_stands() -> None:
    tree = {error.__name__: error for error in raised() if error.__name__ not in ENDS_WHERE_IT_IS_READ}
    assert all(issubclass(error, SshdoctorError) for error in tree.values())
    assert {name: error.__bases__[0].__name__ for name, error in tree.items()} == dict(drawn())
