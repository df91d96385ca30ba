"""Whether pam_faillock keeps an account closed for the logins that failed.

Sources: faillock(8), faillock.conf(5) and its defaults; pam_faillock.c, check_tally(): of the valid failures,
those are counted that lie within fail_interval of the last one. A line of a stack goes before the file.
Only with preauth, and with a control that minds it, is the right password refused, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sshdoctor.facts.parsing.output import number
from sshdoctor.facts.parsing.pam import Line

_DEFAULTS = {"deny": 3, "fail_interval": 900, "unlock_time": 600}
_STAMP = "%Y-%m-%d %H:%M:%S"
_FAILURE = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) .*\sV\s*$", re.M)


def closed(said: str, auth: Iterable[Line], configuration: str) -> str:
    """How many failures keep the account closed, and when the last was; "" where none do.

    ``said`` is the host's time and what ``faillock --user`` prints, ``auth`` the stack that a password meets,
    ``configuration`` the lines of faillock.conf.
    """
    first, _, listed = said.partition("\n")
    asks = next(
        (one for one in auth if one.name == "pam_faillock" and "preauth" in one.arguments and one.must_agree),
        None,
    )
    if asks is None or not (times := sorted(map(_time, _FAILURE.findall(listed)))):
        return ""
    settings = _settings(configuration.replace("|", "\n").splitlines()) | _settings(asks.arguments)
    deny, interval, unlock = (_number(settings, name) for name in _DEFAULTS)
    if listed.startswith("root:"):
        if "even_deny_root" not in settings:
            return ""
        unlock = _number(settings, "root_unlock_time", unlock)
    last = times[-1]
    counted = [one for one in times if last - one < timedelta(seconds=interval)]
    over = bool(unlock) and last + timedelta(seconds=unlock) < _time(first.strip())
    return (
        f"{len(counted)}, the last at {last:{_STAMP}}" if deny and len(counted) >= deny and not over else ""
    )


def _settings(words: Iterable[str]) -> dict[str, str]:
    """
    >>> _settings(["deny = 5", "even_deny_root", "unlock_time=never"])
    {'deny': '5', 'even_deny_root': '', 'unlock_time': 'never'}
    """
    pairs = (word.partition("=") for word in words)
    return {name.strip(): value.strip() for name, _, value in pairs}


def _number(settings: Mapping[str, str], name: str, default: int = 0) -> int:
    """0 for "never"."""
    value = settings.get(name)
    if value is None:
        return _DEFAULTS.get(name, default)
    return number(value) or 0


def _time(text: str) -> datetime:
    try:
        return datetime.strptime(text, _STAMP)
    except ValueError:
        return datetime.min
