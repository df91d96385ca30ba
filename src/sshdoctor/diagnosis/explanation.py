"""What a client's own words mean, with no host at hand: the reply, its causes, and what would settle it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from sshdoctor.checks.load import Check
from sshdoctor.diagnosis.possible import named_for, possible_behind
from sshdoctor.reasons import classify
from sshdoctor.reasons.client_words import hear
from sshdoctor.services import default
from sshdoctor.services.base import CONNECTED, GREETED

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


def explain(text: str, checks: Sequence[Check], means: Mapping[str, str]) -> Explanation | None:
    """What a client's words mean; None if no list knows them. ``means`` has the words for each reply."""
    heard = hear(text)
    named = _named(text)
    if heard is None:
        return None
    service, word = default(), heard.words.replies[0]
    guesses = possible_behind(checks, service, word)
    return Explanation(
        message=heard.line,
        clients=heard.clients,
        replies=heard.words.replies,
        means=means.get(word, word),
        stage=_FAR[service.words.get(word, 0)],
        named=named,
        note=heard.words.note,
        possible=tuple(
            Possible(id=one.id, say=_plain(one.say), settle=_plain(one.settle)) for one in guesses
        ),
        causes=tuple(sorted({*named_for(checks, word), *(one.id for one in guesses)})),
    )


def talkative() -> str:
    """The command whose words tell the most of a dial."""
    return f"{default().client} -v USER@HOST"


def _named(text: str) -> str | None:
    """The cause that a line of the client's own names."""
    for line in reversed(text.splitlines()):
        reason = classify(default().client, line.strip())
        if reason is not None and reason.cause is not None:
            return reason.cause
    return None


def _plain(sentence: str) -> str:
    return sentence.replace("{port}", str(default().port)).replace("{address}", "the host's address")
