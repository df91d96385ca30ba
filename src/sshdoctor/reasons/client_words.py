"""What clients show to a person, read back: which reply it is, whatever stands around the words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from msgspec import Struct, convert

from sshdoctor.documents.shipped import read_document

_FILE = Path(__file__).parent / "clients" / "words.yml"
_LONGEST_LINE = 2000
_MOST_LINES = 5000
_ANYTHING = r".{1,300}?"
_ANY_OTHER = "any other"


class Words(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that a client says; ``{…}`` in it stands for any words."""

    says: str
    replies: tuple[str, ...]
    """What it may be, most common first."""
    note: str = ""
    last: bool = False
    """It says so only as the last line of a log."""
    above: bool = False
    """It only repeats that something failed: a line above it says what, if there is one."""

    @property
    def weight(self) -> int:
        """How many characters of it are literal: of two that fit, the longer is meant."""
        return len(re.sub(r"\{\w+\}", "", self.says))


class ClientList(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one client says, and where that was looked up."""

    client: str
    source: str
    words: tuple[Words, ...]
    service: str = ""
    """Whose client it is; "" for the service that is meant where none is named."""


class Heard(Struct, frozen=True, kw_only=True):
    """Words that were found in a text."""

    line: str
    clients: tuple[str, ...]
    words: Words
    service: str = ""


@cache
def client_lists() -> tuple[ClientList, ...]:
    """Every list of client's words that there is. Raises DocumentError, msgspec.ValidationError."""
    return tuple(convert(read_document(_FILE), list[ClientList]))


def hear(text: str) -> Heard | None:
    """The words in a text that say how the dial ended; None if no list knows any.

    In a log the last that ends something counts; where nothing does, what the client was waiting for.
    What only repeats that something failed counts where no line above it says more.
    """
    only_repeats: Heard | None = None
    lines = [line[:_LONGEST_LINE] for line in text.splitlines()[-_MOST_LINES:] if line.strip()]
    for number, line in reversed([*enumerate(lines)]):
        found = [*_in(line, is_last=number == len(lines) - 1)]
        if found:
            client, words = max(
                found, key=lambda one: (not one[1].above, one[1].weight, one[0] != _ANY_OTHER)
            )
            same = tuple(dict.fromkeys(who for who, other in found if other.says == words.says))
            service = next(one.service for one in client_lists() if one.client == client)
            heard = Heard(line=line.strip(), clients=same or (client,), words=words, service=service)
            if not words.above:
                return heard
            only_repeats = only_repeats or heard
    return only_repeats


def _in(line: str, *, is_last: bool) -> Iterator[tuple[str, Words]]:
    for one, words, pattern in _patterns():
        if (is_last or not words.last) and pattern.search(line):
            yield one, words


@cache
def _patterns() -> tuple[tuple[str, Words, re.Pattern[str]], ...]:
    return tuple((one.client, words, _pattern(words.says)) for one in client_lists() for words in one.words)


def _pattern(says: str) -> re.Pattern[str]:
    parts = re.split(r"\{\w+\}", says)
    return re.compile(_ANYTHING.join(map(re.escape, parts)), re.IGNORECASE)


def example(words: Words) -> str:
    """The words with something in the places of what varies: as they might be pasted.

    >>> example(Words(says="dial tcp {address}: i/o timeout", replies=("silence",)))
    'dial tcp 198.51.100.2: i/o timeout'
    """
    filled: dict[str, Any] = {"port": "2222", "address": "198.51.100.2", "host": "web1", "name": "web1"}
    return re.sub(r"\{(\w+)\}", lambda match: str(filled.get(match[1], match[1])), words.says)
