"""Regular expressions of a host's own configuration, which users of the host may have written (.htaccess).

Python's engine goes back where it may: a repetition of what can be read in two ways can take it years over
forty characters. One of these is not run, and neither is one with very many repetitions.
"""

from __future__ import annotations

import re

_MOST = 12
_SIGN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]?|\(\?|\{[\d,]*\}|.", re.DOTALL)
_MANY = re.compile(r"[*+]|\{\d*,(?:\d{2,})?\}|\{\d{2,}\}")


def foreign(text: str, flags: int = 0) -> re.Pattern[str]:
    """``text`` compiled. Raises re.error for what is none, or might take too long.

    >>> foreign("^/(wp-login|xmlrpc)[.]php$").search("/xmlrpc.php") is not None
    True
    """
    if _may_last(text):
        raise re.error("it repeats what can be read in two ways, and is not tried here", text)
    return re.compile(text, flags)


def _may_last(text: str) -> bool:
    """Whether a group is repeated that has a choice or a repetition, or more is repeated than is needed."""
    loose = [False]  # of each open group: whether it can take the same text in several ways
    closed = False  # whether what was read last is such a group
    count = 0
    for sign in _SIGN.findall(text):
        many = _MANY.fullmatch(sign) is not None
        if many and closed:
            return True
        count += many
        if sign in ("(", "(?"):
            loose.append(False)
        elif many or sign in ("?", "|"):
            loose[-1] = True
        closed = sign == ")" and len(loose) > 1 and loose.pop()
        loose[-1] |= closed
    return count > _MOST
