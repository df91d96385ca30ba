"""What a provider's notice cites: its ticket's number, its dates. It is read for these alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from msgspec import Struct

_TICKET = re.compile(
    r"(?:tickets?|case|incident|reference|ref|abuse|お?問い?合わせ|受付|チケット|整理)\s{0,4}(?:id|no\.?|number|番号)?"
    r"\s{0,4}[:\uff1a#\uff03\[(]{0,3}\s{0,4}#?([A-Z]{0,6}[-_]?\d{3,12}(?:-\d{1,12}){0,6})",
    re.I,
)
_NUMERIC = re.compile(r"\b(20\d\d)[-/.](\d{1,2})[-/.](\d{1,2})\b|(20\d\d)年\s*(\d{1,2})月\s*(\d{1,2})日")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMED = re.compile(rf"\b(\d{{1,2}})\.?\s+({'|'.join(_MONTHS)})[a-z]*\.?,?\s+(20\d\d)\b", re.I)
_AMERICAN = re.compile(rf"\b({'|'.join(_MONTHS)})[a-z]*\.?\s+(\d{{1,2}}),?\s+(20\d\d)\b", re.I)


class Notice(Struct, frozen=True):
    """The numbers and the days that a notice cites, each once, in their order."""

    tickets: tuple[str, ...]
    days: tuple[date, ...]


def read_notice(text: str) -> Notice:
    """
    >>> read_notice("Ticket #4711: on 2026-11-06 your account sent 300 mails")
    Notice(tickets=('4711',), days=(datetime.date(2026, 11, 6),))
    >>> read_notice("受付番号:12345 2026年11月6日に大量のメール").tickets
    ('12345',)
    """
    tickets = dict.fromkeys(found[1] for found in _TICKET.finditer(text))
    return Notice(tuple(tickets)[:8], tuple(dict.fromkeys(_days(text)))[:8])


def _days(text: str) -> Iterator[date]:
    found = [
        tuple(map(int, (one[1] or one[4], one[2] or one[5], one[3] or one[6])))
        for one in _NUMERIC.finditer(text)
    ]
    found += [(int(one[3]), _month(one[2]), int(one[1])) for one in _NAMED.finditer(text)]
    found += [(int(one[3]), _month(one[1]), int(one[2])) for one in _AMERICAN.finditer(text)]
    for year, month, day in found:
        try:
            yield date(year, month, day)
        except ValueError:
            continue


def _month(name: str) -> int:
    return _MONTHS.index(name[:3].lower()) + 1
