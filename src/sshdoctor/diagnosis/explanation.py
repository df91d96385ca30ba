"""What a client's own words mean, with no host at hand: the reply, its causes, and what would settle it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from sshdoctor.checks.load import Check
from sshdoctor.diagnosis.possible import named_for, possible_behind
from sshdoctor.reasons import classify
from sshdoctor.reasons.client_words import hear
from sshdoctor.services import Service, default, load
from sshdoctor.services.base import CONNECTED, GREETED

_FAR_TO_A_SESSION = {
    0: "no connection came about",
    CONNECTED: "the host took the connection, and nothing greeted as it should",
    GREETED: "a server greeted; there is no encryption yet",
    3: "encryption was agreed on; the server's key is in question",
    4: "the server's key was accepted; the login was not",
    5: "the login was accepted; the session ended",
    6: "all the way: the login works",
}
_FAR_TO_A_PAGE = {
    0: _FAR_TO_A_SESSION[0],
    CONNECTED: "the host took the connection; no web server answered, or none with which TLS was agreed on",
    GREETED: "TLS was agreed on; the server's certificate is in question",
    3: "the server answered the request, not with what was asked for",
    4: "all the way: the site answers",
}


class Possible(Struct, frozen=True, kw_only=True):
    """A cause that gives the reply, and what would show whether it is so."""

    id: str
    say: str
    settle: str


class Explanation(Struct, frozen=True, kw_only=True):
    """What a message means."""

    message: str
    service: str
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
    next: str
    """What to type now."""


def explain(text: str, checks: Sequence[Check], means: Mapping[str, str]) -> Explanation | None:
    """What a client's words mean; None if no list knows them. ``means`` has the words for each reply."""
    heard, named = hear(text), _named(text)
    if heard is None:
        return _by_itself(*named) if named else None
    service, word = load(heard.service) if heard.service else default(), heard.words.replies[0]
    own = [one for one in checks if one.service in ("", service.name) and one.layer in service.layers]
    guesses = possible_behind(checks, service, word)
    return Explanation(
        message=heard.line,
        service=service.name,
        clients=heard.clients,
        replies=heard.words.replies,
        means=means.get(word, word),
        stage=(_FAR_TO_A_SESSION if service.logs_in else _FAR_TO_A_PAGE)[service.words.get(word, 0)],
        named=named[0] if named else None,
        note=heard.words.note,
        possible=tuple(
            Possible(id=one.id, say=_plain(one.say, service), settle=_plain(one.settle, service))
            for one in guesses
        ),
        causes=tuple(sorted({*named_for(own, word), *(one.id for one in guesses)})),
        next=_next(service),
    )


def _by_itself(cause: str, line: str) -> Explanation:
    """What a client says of its own settings and keys, before it says anything of a reply."""
    return Explanation(
        message=line,
        service=default().name,
        clients=(default().client,),
        replies=(),
        means="The client itself gives up, or leaves something out, before a host has a say",
        stage=_FAR_TO_A_SESSION[0],
        named=cause,
        note="",
        possible=(),
        causes=(cause,),
        next=_next(default()),
    )


def talkative() -> str:
    """The command whose words tell the most of a dial."""
    return f"{default().client} -v USER@HOST"


def _named(text: str) -> tuple[str, str] | None:
    """The cause that a line of the client's own names, and the line."""
    for line in reversed(text.splitlines()):
        reason = classify(default().client, line.strip())
        if reason is not None and reason.cause is not None:
            return reason.cause, line.strip()
    return None


def _next(service: Service) -> str:
    return f"sshdoctor diagnose --host {'USER@HOST' if service.logs_in else 'https://HOST/PATH'}"


def _plain(sentence: str, service: Service) -> str:
    port = service.port if service.logs_in else service.moved_to[0]
    return sentence.replace("{port}", str(port)).replace("{address}", "the host's address")
