"""What was asked of the sites: the last requests that run a program or send something, line by line.

Sources: nginx's and Apache's "combined" log format. A line is the stranger's from the request on; its address
and time are the server's. Of each log the last 20 MB are read, and of its older part the one before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from sshdoctor.facts.parsing.bounded import GENTLE, READ_BY
from sshdoctor.facts.parsing.output import evidence, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.parsing.stamps import web_time
from sshdoctor.model import Evidence, Unknown

MOST = 12000
"""So many requests are kept, the last ones."""

COMMANDS = {
    "lines": GENTLE
    + READ_BY
    + r"""
named=$(grep -rhoE '^[[:space:]]*(access_log|CustomLog)[[:space:]]+"?/[^";[:space:]]+' \
  /etc/nginx /etc/apache2 /etc/httpd/conf /etc/httpd/conf.d 2>/dev/null | grep -oE '/[^"]+$')
files=$(for file in /var/log/nginx/*access*log /var/log/apache2/*access*log /var/log/httpd/*access*log \
  /var/log/apache2/domlogs/* /home/*/logs/*access*log $named; do
  for each in "$file.1" "$file"; do
    [ ! -f "$each" ] || [ -h "$each" ] || printf '%s\n' "$each"
  done
done | awk '!had[$0]++' | head -n 60)
printf '%s\n' "$files" | while IFS= read -r file; do
  [ -n "$file" ] || continue
  printf '@\t%s\n' "$file"
  case $file in
    /var/log/*) tail -c 20000000 "$file" ;;
    *) printf '%s\n' "$file" | read_by 'tail -c 20000000 -- "$@"' 2>/dev/null ;;
  esac | awk '
    /"(POST|PUT) |[.]ph(p[0-9]?|tml|ar)[?\/ ]|" 499 |[.](cgi|pl)[? ]/ { print "|" substr($0, 1, 500) }' |
    tail -n """
    + str(MOST)
    + r"""
done
true
"""
}

_LINE = re.compile(r'(\S+) \S+ [^\[]*\[([^\]]+)\] "([A-Z]+) (\S*) [^"]*" (\d{3}) ')


class Request(Struct, frozen=True, kw_only=True):
    """One request; ``at`` is when it was answered, in seconds since 1970; ``path`` is without its query."""

    log: str
    line: str
    address: str
    at: float
    method: str
    path: str
    status: int


class Requests(Struct, frozen=True, kw_only=True):
    """``requests`` in the order of time."""

    requests: tuple[Request, ...]
    logs: tuple[str, ...]
    evidence: tuple[Evidence, ...]


VALUE = Requests
WRITERS = {"": "root", "requests": "anyone"}


def parse(sections: Mapping[str, Section]) -> Requests | Unknown:
    section = sections["lines"]
    if (cut := unseen(section)) is not None:
        return cut
    logs = tuple(line[2:] for line in section.output.splitlines() if line.startswith("@\t"))
    found = sorted(_requests(section.output), key=lambda one: one.at)
    return Requests(
        requests=tuple(found),
        logs=logs,
        evidence=evidence("tail " + " ".join(logs[:4]), [one.line for one in found[-3:]]),
    )


def _requests(text: str) -> Iterator[Request]:
    log = ""
    for line in text.splitlines():
        if line.startswith("@\t"):
            log = line[2:]
        elif line.startswith("|") and (match := _LINE.match(line[1:])):
            address, stamp, method, target, status = match.groups()
            at = web_time(stamp)
            if at is not None:
                yield Request(
                    log=log,
                    line=line[1:],
                    address=address,
                    at=at,
                    method=method,
                    path=target.partition("?")[0],
                    status=int(status),
                )
