"""The times that logs write, as seconds since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_WEB = "%d/%b/%Y:%H:%M:%S %z"
_CLASSIC = re.compile(r"([A-Z][a-z]{2}) ([ \d]\d) (\d\d:\d\d:\d\d) ")
_LONG = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,6})\d*)?(Z|[+-]\d\d:?\d\d)? ")


def web_time(text: str) -> float | None:
    """
    >>> web_time("27/Nov/2026:15:54:08 +0000")
    1795794848.0
    """
    try:
        return datetime.strptime(text, _WEB).timestamp()
    except ValueError:
        return None


def log_time(line: str, now: float, zone: str) -> float | None:
    """When a line of a syslog or of Exim was written; ``zone`` is the host's, such as "+0900".

    A line without a year is of the last twelve months before ``now``.

    >>> log_time("Nov 27 15:54:08 web cron[1]: x", 1795794900.0, "+0000")
    1795794848.0
    >>> log_time("2026-11-27T15:54:08.123+00:00 web x", 0.0, "+0900")
    1795794848.123
    """
    try:
        if found := _LONG.match(line):
            day, clock, part, own = found.groups()
            offset = _offset((own or zone).replace("Z", "+0000").replace(":", ""))
            whole = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=offset).timestamp()
            return whole + float(f"0.{part or 0}")
        if found := _CLASSIC.match(line):
            offset = _offset(zone)
            year = datetime.fromtimestamp(now, offset).year
            for guess in (year, year - 1):
                text = f"{guess} {found[1]} {found[2].strip()} {found[3]}"
                at = datetime.strptime(text, "%Y %b %d %H:%M:%S").replace(tzinfo=offset).timestamp()
                if at <= now + 86400:
                    return at
    except ValueError:
        return None
    return None


def _offset(text: str) -> timezone:
    """
    >>> _offset("+0900")
    datetime.timezone(datetime.timedelta(seconds=32400))
    """
    found = re.fullmatch(r"([+-])(\d\d)(\d\d)", text)
    if found is None:
        return UTC
    span = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(span if found[1] == "+" else -span)
