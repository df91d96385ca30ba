"""The man page, made from the texts of --help (man-pages(7), groff_man(7))."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sshdoctor import __version__
from sshdoctor.commands.shared.help_text import ABOUT, CommandHelp

_EXITS = {
    "0": "Every host is reachable and no cause was found; or every remedy was applied and proved.",
    "1": "A cause was found.",
    "2": "Bad input: an option, an inventory, a check or a playbook.",
    "3": "Undecided: not enough could be seen.",
    "4": "A remedy failed, or was rolled back.",
    "130": "Interrupted.",
}


def man_page(helps: Mapping[str, CommandHelp], program: str = "sshdoctor") -> str:
    """The page of section 1, in man's macros."""
    return "\n".join(_lines(helps, program)) + "\n"


def _lines(helps: Mapping[str, CommandHelp], program: str) -> Iterator[str]:
    yield f'.TH {program.upper()} 1 "" "{program} {__version__}" "User Commands"'
    yield from (".SH NAME", f"{program} \\- {_roff(ABOUT.rstrip('.'))}")
    yield from (".SH SYNOPSIS", f".B {program}", "COMMAND [HOST] [OPTIONS]", ".SH COMMANDS")
    for one in helps.values():
        words = f" {one.words}" if one.words else ""
        yield from (".TP", f".B {_roff(one.name)}{words}", _roff(" ".join(one.summary.split())))
    for one in helps.values():
        yield from (f".SH OPTIONS OF {one.name.upper()}",) if one.options else ()
        for option in one.options:
            yield from (".TP", f".B {_roff(option.spelled)}", _roff(option.text))
    yield ".SH EXIT STATUS"
    for code, text in _EXITS.items():
        yield from (".TP", f".B {code}", _roff(text))
    yield from (
        ".SH SEE ALSO",
        ".BR ansible (1)",
    )


def _roff(text: str) -> str:
    """Text in which nothing is a request or an escape.

    >>> _roff(".x -y")
    '\\\\&.x \\\\-y'
    """
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped[:1] in (".", "'") else escaped
