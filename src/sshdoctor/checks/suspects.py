"""What a reply alone may come from: the causes that a check suspects where nobody could look into the host.

In a check they stand with the cause, by service, as ``suspect``; so do its sentences in a ticket, by
language, as ``ticket``, which ``reports`` reads. Here both are held against what they may say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from string import Formatter

from msgspec import Struct

from sshdoctor.document import Block, BlockReader, suggest
from sshdoctor.services import names, reply_words

ANY_ICMP = "icmp"
"""In ``rank``: every reply of ICMP that has no word of its own there."""

_LANGUAGES = ("en", "ja")
_SUSPECT_KEYS = ("say", "settle", "closer", "rank", "elsewhere")
_DIALLED = ("port", "address")
_ASKED = ("host", "address", "port", "client", "user")


class Suspect(Struct, frozen=True, kw_only=True):
    """A cause that a reply may come from, and what would show whether it is so.

    Sentences hold ``{port}`` and ``{address}``, those that were dialled.
    """

    id: str
    layer: str
    service: str
    """The service whose replies it explains."""
    say: str
    settle: str
    closer: str = ""
    """How a closer look from here may settle it."""
    ranks: Mapping[str, int]
    """How common it is among the causes of a reply, by its word; 1: the most common."""
    elsewhere: tuple[str, str] | None = None
    """What to say, and what settles it, where the service was seen to greet on the port ``{other}``."""

    def rank(self, word: str) -> int | None:
        """How common it is where ``word`` came back; None if it cannot be behind it."""
        return self.ranks.get(word, self.ranks.get(ANY_ICMP) if word.startswith(ANY_ICMP) else None)


def suspected(suspects: Iterable[Suspect], word: str) -> tuple[Suspect, ...]:
    """Those of one service from which the reply ``word`` alone may come, most common first."""
    found = [(one.rank(word) or 0, one) for one in suspects]
    return tuple(one for rank, one in sorted(found, key=lambda pair: pair[0]) if rank)


def read_suspects(reader: BlockReader, item: Block, layer: str) -> tuple[Suspect, ...]:
    """What stands under ``suspect`` of a cause; what is wrong is told to ``reader``."""
    by_service = reader.mapping(item, "suspect")
    reader.keys(by_service, names())
    return tuple(
        _suspect(reader, reader.mapping(by_service, service), str(item.get("id")), layer, service)
        for service in by_service
    )


def _suspect(reader: BlockReader, block: Block, ident: str, layer: str, service: str) -> Suspect:
    reader.keys(block, _SUSPECT_KEYS)
    elsewhere = reader.mapping(block, "elsewhere") if "elsewhere" in block else None
    if elsewhere is not None:
        reader.keys(elsewhere, ("say", "settle"))
    return Suspect(
        id=ident,
        layer=layer,
        service=service,
        say=_filled(reader, block, "say", _DIALLED),
        settle=_filled(reader, block, "settle", _DIALLED),
        closer=_filled(reader, block, "closer", _DIALLED) if "closer" in block else "",
        ranks=dict(_ranks(reader, block)),
        elsewhere=None
        if elsewhere is None
        else (
            _filled(reader, elsewhere, "say", (*_DIALLED, "other")),
            _filled(reader, elsewhere, "settle", (*_DIALLED, "other")),
        ),
    )


def _ranks(reader: BlockReader, block: Block) -> Iterator[tuple[str, int]]:
    ranks = reader.mapping(block, "rank")
    if not ranks:
        reader.at(block, "rank", "rank is missing: how common it is, by reply word, such as {rst: 1}")
    for word, rank in ranks.items():
        if word != ANY_ICMP and word not in reply_words():
            reader.at(ranks, word, f"{word!r} is no reply word{suggest(str(word), reply_words())}")
        elif isinstance(rank, int) and rank > 0:
            yield word, rank
        else:
            reader.at(ranks, word, f"{word} is a number from 1, the most common, not {rank!r}")


def hold_ticket(reader: BlockReader, item: Block) -> None:
    """Holds what stands under ``ticket`` of a cause against what a ticket can fill in."""
    ticket = reader.mapping(item, "ticket")
    reader.keys(ticket, _LANGUAGES)
    for lang in _LANGUAGES:
        sentences = reader.mapping(ticket, lang)
        reader.keys(sentences, ("name", "ask"))
        reader.text(sentences, "name")
        _filled(reader, sentences, "ask", _ASKED)


def _filled(reader: BlockReader, block: Block, key: str, known: tuple[str, ...]) -> str:
    """A sentence that has nothing but ``known`` in braces."""
    text = reader.text(block, key)
    try:
        used = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError as error:
        reader.at(block, key, f"{key}: {error}")
        return ""
    for name in sorted(used - set(known)):
        braces = ", ".join(f"{{{one}}}" for one in known)
        reader.at(block, key, f"{key}: {{{name}}} is not known here; known: {braces}")
    return text
