"""What a model of rules does not know, and regular expressions as both servers have them (PCRE)."""

from __future__ import annotations

import re
from functools import lru_cache

from sshdoctor.access_rules.foreign import foreign


class UnknownValue(Exception):  # noqa: N818 -- not an error: the answer is that it is not known
    """A variable, a directive or an expression that the model does not know; the message names it."""


@lru_cache(maxsize=4096)
def expression(text: str, ignore_case: bool = False) -> re.Pattern[str]:
    """A PCRE as Python reads it, if it is sure to end. Raises UnknownValue."""
    changed = re.sub(r"\(\?<(?![=!])", "(?P<", text)
    try:
        return foreign(changed, re.IGNORECASE if ignore_case else 0)
    except (re.error, OverflowError, RecursionError):
        raise UnknownValue(f"the regular expression {text}") from None
