"""The command ``explain``: a client's words in; the reply, its causes, and what would settle it out."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator
from difflib import get_close_matches

from msgspec import to_builtins

from sshdoctor.commands.shared import exit_codes
from sshdoctor.commands.shared.options import show_text
from sshdoctor.diagnosis.explanation import Explanation, explain, talkative
from sshdoctor.diagnosis.setup import load_checks
from sshdoctor.errors import UsageError
from sshdoctor.inventory.folders import check_folders
from sshdoctor.reports.layout.client_words import SAID
from sshdoctor.reports.layout.printable import printable

_WIDTH = 78
_CLIENTS = {"any other": "other clients"}
_LARGEST = 4_000_000
_LINES, _LONGEST = 50, 300
"""What a person may have typed off a screen: so many lines, of so many letters."""


def run(message: str, form: str) -> int:
    """Print what ``message`` means; "" or "-": what standard input holds. Raises UsageError."""
    if form not in ("text", "json"):
        raise UsageError(f"--format {form}: there are json, text")
    given, checks = _given(message), load_checks(check_folders(()))
    found = explain(given, checks, SAID)
    if found is None:
        meant = _meant(given)
        show_text(_unknown(form, meant))
        return exit_codes.UNDECIDED
    show_text(json.dumps(to_builtins(found), indent=2) + "\n" if form == "json" else _text(found))
    return 0


def _given(message: str) -> str:
    if message and message != "-":
        return message
    if sys.stdin.isatty():
        print("Paste the client's words or log, then type Ctrl-D on a line of its own.", file=sys.stderr)
    text = sys.stdin.buffer.read(_LARGEST).decode("utf-8", "replace")
    if not text.strip():
        raise UsageError("there is nothing to explain: give the message in quotes, or on standard input")
    return text


def _meant(text: str) -> str:
    """The client's words that a line was probably copied from by hand; "" if none are close."""
    known = {said.partition(" (")[0].partition(":")[0].lower(): said for said in SAID.values()}
    for line in text.splitlines()[:_LINES]:
        for part in line.split(": ") if len(line) <= _LONGEST else ():
            close = get_close_matches(part.partition(" (")[0].strip(" .").lower(), known, n=1, cutoff=0.8)
            if close:
                return known[close[0]].partition(":")[0].partition(" (")[0]
    return ""


def _unknown(form: str, meant: str) -> str:
    if form == "json":
        return "null\n"
    return (
        "No list of clients' words knows this"
        + (f"; did you mean {meant!r}?\n" if meant else ".\n")
        + f"  Next: {talkative()} 2>&1 | sshdoctor explain\n"
        "        sshdoctor diagnose --host USER@HOST    # or the address of a page, https://HOST/PATH\n"
    )


def _text(found: Explanation) -> str:
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Explanation) -> Iterator[str]:
    yield from _wrapped("", printable(found.message))
    if found.replies:
        yield from _wrapped("  reply    ", ", or ".join(found.replies))
    yield from _wrapped("  means    ", found.means)
    yield from _wrapped("  said by  ", ", ".join(_CLIENTS.get(client, client) for client in found.clients))
    yield from _wrapped("  came     ", found.stage)
    if found.note:
        yield from _wrapped("  note     ", found.note)
    if found.named:
        yield from _wrapped("  names    ", f"the cause {found.named} (docs/causes.md)")
    if found.possible:
        yield "\n  It may come from, most common first:"
    for one in found.possible:
        yield from _wrapped("  - ", f"{one.say} ({one.id})")
        yield from _wrapped("      ", one.settle)
    told = {found.named, *(one.id for one in found.possible)}
    others = [ident for ident in found.causes if ident not in told]
    if others:
        yield from _wrapped("\n  or from: ", ", ".join(others))
        yield "  docs/causes.md says what each of these is."
    yield f"\n  Next: {found.next}"


def _wrapped(label: str, text: str) -> list[str]:
    blank, label = ("\n", label[1:]) if label.startswith("\n") else ("", label)
    lines = textwrap.wrap(
        text, _WIDTH, initial_indent=label, subsequent_indent=" " * max(len(label), 2), break_on_hyphens=False
    )
    return [blank + lines[0], *lines[1:]] if lines else [label]
