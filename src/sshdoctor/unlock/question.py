"""A small proof of being human, in words that can be read aloud: what opens links in mails stops here."""

from __future__ import annotations

import hmac
import re
import secrets
import unicodedata

_DIGITS = 4
_NOISE = re.compile(r"[\s,.、・-]")


def new_question() -> int:
    return secrets.randbelow(10**_DIGITS)


def spelt(question: int, names: tuple[str, ...], separator: str) -> str:
    """The digits that are to be written, by their names.

    >>> spelt(407, ("zero", "one", "two", "three", "four", "five", "six", "seven"), ", ")
    'zero, four, zero, seven'
    """
    return separator.join(names[int(digit)] for digit in _answer(question))


def is_answer(text: str, question: int) -> bool:
    """Whether ``text`` says it, in digits of any width.

    >>> is_answer(" 0 4-0 7", 407), is_answer("407", 407)
    (True, False)
    """
    given = _NOISE.sub("", unicodedata.normalize("NFKC", text[:40]))
    return hmac.compare_digest(given.encode(), _answer(question).encode())


def _answer(question: int) -> str:
    return f"{question:0{_DIGITS}}"
