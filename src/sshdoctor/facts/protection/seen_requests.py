"""The lines of access logs in which a web server tells of our own requests, by the word that is in them.

Anybody who sends requests has a part in such a line: what counts is the address before it, which the server
wrote. nginx and Apache write it first, unless another format is set.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence

COMMANDS = {
    "seen": r"""
[ -n "$token" ] || exit 0
named=$(grep -rhoE '^[[:space:]]*(access_log|CustomLog)[[:space:]]+"?/[^";[:space:]]+' \
  /etc/nginx /etc/apache2 /etc/httpd/conf /etc/httpd/conf.d 2>/dev/null |
  grep -oE '/[^"]+$' | sort -u | head -n 20)
for file in /var/log/nginx/*access*log /var/log/apache2/*access*log /var/log/httpd/*access*log $named; do
  [ -f "$file" ] || continue
  tail -n 2000 "$file" | grep -aF "$token" | tail -n 8 | cut -c1-600 | sed "s|^|$file: |"
  tail -n 2000 "$file" | grep -aoE '"POST /+[^ ?"]*(wp-login|xmlrpc)\.php[^"]*" (200|302|401) ' |
    sed "s|^|guessed $file: |" | sort -u | head -n 20
  own=$(tail -n 2000 "$file" | grep -aF "$token" | awk '{print $1}' | sort -u | tr '\n' ' ')
  echo "others $(tail -n 2000 "$file" | grep -avF "$token" |
    awk -v own=" $own" 'index(own, " " $1 " ") == 0 { print $1 }' | sort -u | wc -l)"
done | sort -u
true
""",
    "trusts": r"""
names='set_real_ip_from|real_ip_header|RemoteIPHeader|RemoteIP[A-Za-z]*Proxy'
grep -RhoE "^[[:space:]]*($names)[[:space:]][^;#]*" \
  /etc/nginx /etc/apache2 /etc/httpd 2>/dev/null | sort -u | head -n 40
true
""",
    "ports": r"""
command -v ss >/dev/null || exit 0
ss -Hltnp 2>/dev/null | grep -E '"(nginx|apache2|httpd|caddy|lighttpd)"' | awk '{print $4}' | sort -u
true
""",
}


class Seen(Struct, frozen=True):
    """One of our requests in a log: ``client`` is the address under which it stands, ``mark`` our word."""

    file: str
    client: str
    mark: str


class SeenRequests(Struct, frozen=True, kw_only=True):
    """``guessed``: the pages of a site at which somebody tried a password and was answered, with the log.
    ``others``: how many addresses others come from than those of our own requests.
    ``trusts``: the directives by which an address out of a header is believed. ``ports``: those at which a
    web server listens."""

    seen: tuple[Seen, ...]
    guessed: tuple[tuple[str, str], ...] = ()
    others: int = 0
    trusts: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    evidence: tuple[Evidence, ...] = ()


VALUE = SeenRequests
WRITERS = {"": "root", "seen": "anyone"}
_LINE = re.compile(r"^(/\S+): (?:\S+:\d+ )?([\da-fA-F.:]+) .*?sshdoctor-(\w+)", re.M)


_GUESSED = re.compile(r"^guessed (/\S+): .*?((?:wp-login|xmlrpc)\.php)", re.M)


def parse(sections: Mapping[str, Section]) -> SeenRequests:
    others = re.findall(r"^others (\d+)$", sections["seen"].output, re.M)
    ports = re.findall(r":(\d+)$", sections["ports"].output, re.M)
    return SeenRequests(
        seen=tuple(Seen(*found) for found in _LINE.findall(sections["seen"].output)),
        guessed=tuple(
            dict.fromkeys((page, file) for file, page in _GUESSED.findall(sections["seen"].output))
        ),
        others=sum(map(int, others)),
        trusts=tuple(
            " ".join(line.split()) for line in sections["trusts"].output.splitlines() if line.strip()
        ),
        ports=tuple(sorted({int(port) for port in ports})),
    )


def believes_anybody(trusts: tuple[str, ...]) -> bool:
    """Whether an address in a header is believed whoever sends it.

    >>> believes_anybody(("set_real_ip_from 0.0.0.0/0", "real_ip_header X-Forwarded-For"))
    True
    """
    words = [line.split() for line in trusts]
    nginx = any(line[0] == "set_real_ip_from" and line[1] in ("0.0.0.0/0", "::/0") for line in words)
    header = any(line[0] == "RemoteIPHeader" for line in words)
    return nginx or (header and not any(line[0].endswith("Proxy") for line in words))
