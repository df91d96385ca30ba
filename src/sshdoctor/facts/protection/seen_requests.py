"""The lines of access logs in which a web server tells of our own requests, by the word that is in them.

Anybody who sends requests has a part in such a line: what counts is the address before it, which the server
wrote. nginx and Apache write it first, unless another format is set.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address, ip_network

from msgspec import Struct

from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, is_network, plain_address

COMMANDS = {
    "seen": r"""
[ -n "$token" ] || exit 0
named=$(grep -rhE '(access_log|CustomLog)[[:space:]]+"?/' \
  /etc/nginx /etc/apache2 /etc/httpd/conf /etc/httpd/conf.d 2>/dev/null | sed 's/^[[:space:]]*#.*//' |
  grep -oE '(access_log|CustomLog)[[:space:]]+"?/[^";[:space:]]+' | grep -oE '/[^"]+$' | sort -u | head -n 20)
known=''
for file in /var/log/nginx/*log /var/log/apache2/*log /var/log/httpd/*log $named; do
  case $file in *error*) continue ;; esac
  case $known in *"|$file|"*) continue ;; esac
  [ -f "$file" ] || continue
  known="$known|$file|"
  tail -n 2000 "$file" | grep -aF "$token" | tail -n 8 | cut -c1-600 | sed "s|^|$file: |"
  tail -n 2000 "$file" | grep -aoE '"POST /+[^ ?"]*(wp-login|xmlrpc)\.php[^"]*" (200|302|401) ' |
    sed "s|^|guessed $file: |" | sort -u | head -n 20
  own=$(tail -n 2000 "$file" | grep -aF "$token" | awk '{print $1}' | sort -u | tr '\n' ' ')
  [ -z "$own" ] || echo "others $(tail -n 2000 "$file" | grep -avF "$token" |
    awk -v own=" $own" 'index(own, " " $1 " ") == 0 { print $1 }' | sort -u | wc -l)"
done | sort -u
true
""",
    "trusts": r"""
names='set_real_ip_from|real_ip_header|RemoteIPHeader|RemoteIP[A-Za-z]*Proxy'
grep -RhE "($names)[[:space:]]" /etc/nginx /etc/apache2 /etc/httpd 2>/dev/null |
  sed 's/#.*//' | grep -oE "($names)[[:space:]][^;]*" | sort -u | head -n 40
true
""",
    "ports": r"""
command -v ss >/dev/null || exit 0
programs='"(nginx|apache2|httpd|caddy|lighttpd)"'
served=$(ss -Hltnp 2>/dev/null | grep -E "$programs" | awk '{print $4}' | sort -u)
printf '%s\n' "$served"
ports=$(printf '%s\n' "$served" | sed 's/.*:\([0-9]*\)$/:\1 /')
[ -z "$served" ] || ss -Htan exclude listening 2>/dev/null | awk '{ print $4 " " $5 }' | grep -F -e "$ports" |
  sed -E 's/.* \[?(::ffff:)?([0-9a-fA-F.:]+)\]?:[0-9]+$/peer \2/' | sort -u | head -n 200
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
    ``others``: how many addresses others come from, in the logs in which our own requests stand.
    ``trusts``: the directives by which an address out of a header is believed. ``ports``: those at which a
    web server listens; ``peers``: from where there are connections to them, or were a minute ago."""

    seen: tuple[Seen, ...]
    guessed: tuple[tuple[str, str], ...] = ()
    others: int = 0
    trusts: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    peers: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()


VALUE = SeenRequests
WRITERS = {"": "root", "seen": "anyone", "ports": "kernel"}
_LINE = re.compile(r"^(/\S+): (?:\S+:\d+ )?([\da-fA-F.:]+) .*?sshdoctor-(\w+)", re.M)


_GUESSED = re.compile(r"^guessed (/\S+): .*?((?:wp-login|xmlrpc)\.php)", re.M)


def parse(sections: Mapping[str, Section]) -> SeenRequests:
    others = re.findall(r"^others (\d+)$", sections["seen"].output, re.M)
    ports = re.findall(r":(\d+)$", sections["ports"].output, re.M)
    return SeenRequests(
        seen=tuple(
            Seen(file, plain_address(client) or client, mark)
            for file, client, mark in _LINE.findall(sections["seen"].output)
        ),
        guessed=tuple(
            dict.fromkeys((page, file) for file, page in _GUESSED.findall(sections["seen"].output))
        ),
        others=sum(map(int, others)),
        trusts=tuple(
            " ".join(line.split()) for line in sections["trusts"].output.splitlines() if line.strip()
        ),
        ports=tuple(sorted({int(port) for port in ports})),
        peers=tuple(re.findall(r"^peer ([\da-fA-F.:]+)$", sections["ports"].output, re.M)),
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


def proxies(seen: SeenRequests) -> list[str]:
    """Of the peers, those whose word for where a request comes from is believed, though not everybody's is.

    >>> trusts = ("set_real_ip_from 192.0.2.0/24", "real_ip_header X-Forwarded-For")
    >>> proxies(SeenRequests(seen=(), trusts=trusts, peers=("192.0.2.80", "203.0.113.7")))
    ['192.0.2.80']
    """
    words = [word for line in seen.trusts for word in line.split()[1:]]
    networks = [ip_network(word, strict=False) for word in words if is_network(word)]
    peers = [each for each in map(ip_address, seen.peers) if not each.is_loopback]
    return [str(each) for each in peers if any(each in net for net in networks if net.prefixlen)]
