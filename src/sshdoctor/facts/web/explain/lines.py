"""The lines of error logs that are about one request, taken apart.

nginx ends a line with ``, client: A, server: S, request: "R", …``; Apache begins it with ``[client A:PORT]``. What
stands between may be chosen by whoever sends requests: a line counts only if it can be read in one way.
"""

from __future__ import annotations

import calendar
import re
import time
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from sshdoctor.model import plain_address

_NGINX = re.compile(
    r"(?P<time>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[(?P<level>\w+)\] (?P<pid>\d+)#\d+: (?:\*(?P<number>\d+) )?(?P<rest>.*)",
    re.DOTALL,
)
_APACHE = re.compile(
    r"\[(?P<time>\w{3} \w{3} \d\d \d\d:\d\d:\d\d(?:\.\d+)? \d{4})\] \[(?P<module>[\w-]*):(?P<level>\w+)\] "
    r"\[pid (?P<pid>\d+)(?::tid \d+)?\] (?P<os>\(\d+\)[^\[\]:]*: )?(?:\[remote [^\]]*\] )?(?:\[client (?P<client>[^\]]*)\] )?(?P<rest>.*)",
    re.DOTALL,
)
_BEGINS = re.compile(r"\d{4}/\d\d/\d\d \d\d:|\[\w{3} \w{3} \d\d \d\d:|\[\d\d-\w{3}-\d{4} ")
_FPM = re.compile(r"\[(?P<time>\d\d-\w{3}-\d{4} \d\d:\d\d:\d\d)(?:\.\d+)?\] (?P<level>[A-Z]+): (?P<rest>.*)")
_PHP = re.compile(r"\[(?P<time>\d\d-\w{3}-\d{4} \d\d:\d\d:\d\d)(?: [\w/+-]+)?\] (?P<rest>PHP .*)")


class Said(Struct, frozen=True, kw_only=True):
    """One line; ``fields`` are what nginx adds (client, server, request, upstream, host)."""

    server: str
    level: str
    text: str
    file: str
    whole: str
    time: float
    fields: Mapping[str, str]


def said(errors: Mapping[str, Iterable[str]], zone: str) -> Iterator[Said]:
    """All lines that can be read, oldest first within each file; times in seconds since 1970."""
    shift = _shift(zone)
    for path, lines in errors.items():
        for line in _whole(lines):
            one = _nginx(line, path, shift) or _apache(line, path, shift) or _fpm(line, path, shift)
            if one is not None:
                yield one


def _whole(lines: Iterable[str]) -> Iterator[str]:
    """Each message: PHP's go over several lines, of which only the first begins with a time."""
    message: list[str] = []
    for line in lines:
        if message and _BEGINS.match(line):
            yield "\n".join(message)
            message = []
        message.append(line)
    if message:
        yield "\n".join(message[:60])


def _shift(zone: str) -> int:
    sign = -1 if zone.startswith("-") else 1
    return sign * (int(zone[1:3]) * 3600 + int(zone[3:5]) * 60) if re.fullmatch(r"[+-]\d{4}", zone) else 0


def _moment(text: str, form: str, shift: int) -> float:
    try:
        return calendar.timegm(time.strptime(text, form)) - shift
    except ValueError:
        return 0.0


def _nginx(line: str, path: str, shift: int) -> Said | None:
    found = _NGINX.fullmatch(line)
    if found is None:
        return None
    text, comma, rest = found["rest"].partition(", client: ")
    fields = {}
    if comma:
        fields = dict(re.findall(r'(?:^|, )(\w+): "?((?:[^",]|,(?! \w+: ))*)"?', "client: " + rest))
        fields["client"] = plain_address(fields.get("client", "")) or fields.get("client", "")
    return Said(
        server="nginx",
        level=found["level"],
        text=text,
        file=path,
        whole=line,
        time=_moment(found["time"], "%Y/%m/%d %H:%M:%S", shift),
        fields=fields,
    )


def _apache(line: str, path: str, shift: int) -> Said | None:
    found = _APACHE.fullmatch(line)
    if found is None:
        return None
    moment = re.sub(r"\.\d+", "", found["time"])
    address, _, port = (found["client"] or "").rpartition(":")
    return Said(
        server="apache",
        level=found["level"],
        text=(found["os"] or "") + found["rest"],
        file=path,
        whole=line,
        time=_moment(moment, "%a %b %d %H:%M:%S %Y", shift),
        fields={"client": address or port, "port": port if address else "", "module": found["module"]},
    )


def _fpm(line: str, path: str, shift: int) -> Said | None:
    found = _FPM.fullmatch(line)
    level = found["level"].lower() if found else ""
    if found is None:
        found = _PHP.fullmatch(line)
        level = "error"
    if found is None:
        return None
    return Said(
        server="php-fpm",
        level=level,
        text=found["rest"],
        file=path,
        whole=line,
        time=_moment(found["time"], "%d-%b-%Y %H:%M:%S", shift),
        fields={},
    )
