"""Windows of maintenance: ``02:00-04:00``, ``sun 02:00-04:00``, ``2026-11-27T02:00/2h``."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from msgspec import Struct

from sshdoctor.errors import UsageError

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKLY = re.compile(r"(?:(mon|tue|wed|thu|fri|sat|sun) )?(\d\d):(\d\d)-(\d\d):(\d\d)")
_ONCE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d)/(\d{1,4})([mh])")


class Window(Struct, frozen=True, kw_only=True):
    """``day``: None for every day; ``begins`` and ``ends``: minutes of it, seconds since 1970 if ``once``."""

    day: int | None
    begins: float
    ends: float
    once: bool = False

    def holds(self, when: datetime) -> bool:
        """Whether ``when``, in the owner's time, lies in it; one may go past midnight."""
        if self.once:
            return self.begins <= when.timestamp() < self.ends
        minute = when.hour * 60 + when.minute
        if self.begins < self.ends:
            return self.day in (None, when.weekday()) and self.begins <= minute < self.ends
        yesterday = (when - timedelta(days=1)).weekday()
        tonight = self.day in (None, when.weekday()) and minute >= self.begins
        return tonight or (self.day in (None, yesterday) and minute < self.ends)


def parse_window(text: str) -> Window:
    """Raises UsageError.

    >>> parse_window("sun 23:00-01:00").holds(datetime(2026, 11, 30, 0, 30))  # a Monday
    True
    """
    weekly, once = _WEEKLY.fullmatch(text.lower()), _ONCE.fullmatch(text)
    if once:
        try:
            begins = datetime.fromisoformat(once[1]).astimezone().timestamp()
        except ValueError:
            raise _wrong(text) from None
        return Window(
            day=None, begins=begins, ends=begins + int(once[2]) * {"m": 60, "h": 3600}[once[3]], once=True
        )
    if not weekly:
        raise _wrong(text)
    first, second = (int(weekly[n]) * 60 + int(weekly[n + 1]) for n in (2, 4))
    if first > 1440 or second > 1440 or first == second or int(weekly[3]) > 59 or int(weekly[5]) > 59:
        raise _wrong(text)
    return Window(day=_DAYS.index(weekly[1]) if weekly[1] else None, begins=first, ends=second)


def _wrong(text: str) -> UsageError:
    return UsageError(f"--maintenance {text!r}: as '02:00-04:00', 'sun 02:00-04:00' or '2026-11-27T02:00/2h'")
