"""The command ``explain``: a client's words in; the reply, its causes, and what would settle it out."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator

from msgspec import Struct, to_builtins

from sshdoctor.commands.shared import exit_codes
from sshdoctor.commands.shared.catalogs import check_folders
from sshdoctor.commands.shared.options import show_text
from sshdoctor.diagnosis.possible import named_for, possible_behind
from sshdoctor.diagnosis.setup import load_checks
from sshdoctor.errors import UsageError
from sshdoctor.reasons import classify
from sshdoctor.reasons.client_words import hear
from sshdoctor.reports.layout.client_words import SAID
from sshdoctor.reports.layout.printable import printable
from sshdoctor.services import default
from sshdoctor.services.base import CONNECTED, GREETED

_WIDTH = 78
_LARGEST = 4_000_000
_FAR = {
    0: "no connection came about",
    CONNECTED: "the host took the connection, and nothing greeted as it should",
    GREETED: "a server greeted; there is no encryption yet",
    3: "encryption was agreed on; the server's key is in question",
    4: "the server's key was accepted; the login was not",
    5: "the login was accepted; the session ended",
    6: "all the way: the login works",
}


class Possible(Struct, frozen=True, kw_only=True):
    """A cause that gives the reply, and what would show whether it is so."""

    id: str
    say: str
    settle: str


class Explanation(Struct, frozen=True, kw_only=True):
    """What a message means."""

    message: str
    clients: tuple[str, ...]
    replies: tuple[str, ...]
    means: str
    stage: str
    """How far the client came."""
    named: str | None
    """The cause that the message itself names."""
    note: str
    possible: tuple[Possible, ...]
    causes: tuple[str, ...]
    """Every cause that can give the first reply."""


def run(message: str, form: str) -> int:
    """Print what ``message`` means; "" or "-": what standard input holds. Raises UsageError."""
    if form not in ("text", "json"):
        raise UsageError(f"--format {form}: there are json, text")
    found = explain(_given(message))
    if found is None:
        show_text(_unknown(form))
        return exit_codes.UNDECIDED
    show_text(json.dumps(to_builtins(found), indent=2) + "\n" if form == "json" else _text(found))
    return 0


def explain(text: str) -> Explanation | None:
    """What a client's words mean; None if no list knows them."""
    heard = hear(text)
    named = _named(text)
    if heard is None:
        return None
    service, word = default(), heard.words.replies[0]
    checks = load_checks(check_folders(()))
    guesses = possible_behind(checks, service, word)
    return Explanation(
        message=heard.line,
        clients=heard.clients,
        replies=heard.words.replies,
        means=SAID.get(word, word),
        stage=_FAR[service.words.get(word, 0)],
        named=named,
        note=heard.words.note,
        possible=tuple(
            Possible(id=one.id, say=_plain(one.say), settle=_plain(one.settle)) for one in guesses
        ),
        causes=tuple(sorted({*named_for(checks, word), *(one.id for one in guesses)})),
    )


def _named(text: str) -> str | None:
    """The cause that a line of the client's own names."""
    for line in reversed(text.splitlines()):
        reason = classify(default().client, line.strip())
        if reason is not None and reason.cause is not None:
            return reason.cause
    return None


def _plain(sentence: str) -> str:
    return sentence.replace("{port}", str(default().port)).replace("{address}", "the host's address")


def _given(message: str) -> str:
    if message and message != "-":
        return message
    if sys.stdin.isatty():
        print("Paste the client's words or log, then type Ctrl-D on a line of its own.", file=sys.stderr)
    text = sys.stdin.buffer.read(_LARGEST).decode("utf-8", "replace")
    if not text.strip():
        raise UsageError("there is nothing to explain: give the message in quotes, or on standard input")
    return text


def _unknown(form: str) -> str:
    if form == "json":
        return "null\n"
    return (
        "No list of clients' words knows this.\n"
        f"  Next: {default().client} -v USER@HOST 2>&1 | sshdoctor explain\n"
        "        sshdoctor diagnose --host USER@HOST\n"
    )


def _text(found: Explanation) -> str:
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Explanation) -> Iterator[str]:
    yield from _wrapped("", printable(found.message))
    yield from _wrapped("  reply    ", ", or ".join(found.replies))
    yield from _wrapped("  means    ", found.means)
    yield from _wrapped("  said by  ", ", ".join(found.clients))
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
    others = [ident for ident in found.causes if ident not in {one.id for one in found.possible}]
    if others:
        yield from _wrapped("\n  or from: ", ", ".join(others))
    yield "\n  Next: sshdoctor diagnose --host USER@HOST"


def _wrapped(label: str, text: str) -> list[str]:
    blank, label = ("\n", label[1:]) if label.startswith("\n") else ("", label)
    lines = textwrap.wrap(
        text, _WIDTH, initial_indent=label, subsequent_indent=" " * max(len(label), 2), break_on_hyphens=False
    )
    return [blank + lines[0], *lines[1:]] if lines else [label]
