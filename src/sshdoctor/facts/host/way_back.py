"""How the host's answers go back to the client, and whether a SYN of the client's waits for its handshake.

Sources: ip-rule(8), ip-route(8) ``route get ... mark`` for every mark that a rule asks for; ip-neighbour(8)
of the client and of the gateways before it; ss(8), and proc(5) /proc/net/tcp (state 03) where there is no ss.
A half-open connection is the SYN that arrived: the kernel keeps it for as many answers as tcp_synack_retries
says (ip-sysctl; five of them, 63 s), unless tcp_syncookies is 2, or its answer's next hop cannot be found.
Measured: it is seen long after the client has given up, with the client's port.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from sshdoctor.facts.parsing.output import evidence, number, parts, properties, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.parsing.words import address, plain_name
from sshdoctor.model import Evidence, Unknown, plain_address

COMMANDS = {
    "answers": """
known() { case $1 in ''|*[!0-9a-fA-F.:]*) return 1 ;; esac; }
case $address$client in *:*) six=-6 ;; *) six= ;; esac
if command -v ip >/dev/null; then
  rules=$(ip $six rule 2>&1); echo '## rules'; echo "$rules"
  if known "$client"; then
    from=
    ! known "$address" || case $(ip -o addr) in *" $address/"*) from=$address ;; esac
    all=$(ip -o route get "$client" ${from:+from "$from"} 2>&1); echo '## route'; echo "$all"
    case $rules in *fwmark*)
      for mark in $(echo "$rules" | sed -n 's/.* fwmark \\(0x[0-9a-f]*\\).*/\\1/p' | sort -u | head -n 8); do
        one=$(ip -o route get "$client" ${from:+from "$from"} mark "$mark" 2>&1)
        echo "## mark $mark"; echo "$one"
        all="$all
$one"
      done ;;
    esac
    echo '## neighbours'; hops=
    case $all in *' via '*)
      hops=$(echo "$all" | sed -n 's/.* via \\(inet6 \\)*\\([^ ]*\\) .*/\\2/p' | sort -u) ;;
    esac
    for hop in "$client" $hops; do ip -o neigh show to "$hop" 2>&1; done
  fi
  if [ -n "$around" ]; then
    echo '## table'; ip -o neigh show 2>&1 | head -n 500
    echo '## gateways'; ip $six route show default 2>&1
  fi
fi
echo '## half-open'
if command -v ss >/dev/null; then
  known "$client" && who="sport = :$port or dst $client" || who="sport = :$port"
  ss -nto state syn-recv "( $who )" 2>&1 | head -n 100
elif [ -r /proc/net/tcp ]; then
  echo '## half-open-proc'
  grep -hs '^ *[0-9]*: [^ ]* [^ ]* 03 ' /proc/net/tcp /proc/net/tcp6 | head -n 100
fi
echo '## kept'
for name in tcp_synack_retries tcp_syncookies; do
  [ ! -r /proc/sys/net/ipv4/$name ] || { read -r value </proc/sys/net/ipv4/$name; echo "$name=$value"; }
done
true
"""
}


class Route(Struct, frozen=True, kw_only=True):
    """An answer of ``ip route get``. ``state``: ok, blackhole, unreachable, prohibit, no-route. ``via`` is ""
    where the client is taken for a neighbour. ``mark`` 0 is none."""

    state: str | Unknown
    interface: str
    via: str
    text: str
    mark: int = 0


class Entry(Struct, frozen=True):
    """One entry of the neighbour table; ``mac`` is "" where none is known. ``state``: REACHABLE, STALE,
    DELAY, PROBE, PERMANENT, NOARP, INCOMPLETE, FAILED."""

    address: str
    interface: str
    mac: str
    state: str
    text: str


class Waiting(Struct, frozen=True):
    """A half-open connection: the client's end, and the port that it came to."""

    peer: str
    peer_port: int
    port: int
    text: str


class WayBack(Struct, frozen=True, kw_only=True):
    """``routes`` begins with the one without a mark. ``rules`` are those of ``ip rule`` beside the usual
    three. ``neighbours`` has the client, and the gateways before it. ``kept``: whether a SYN that arrived
    would still be seen in ``waiting``. ``table`` and ``gateways`` (all neighbours, and the default gateways)
    are only asked for where ``$around`` is set: on the machine that dials."""

    routes: tuple[Route, ...] | Unknown
    rules: tuple[str, ...]
    neighbours: tuple[Entry, ...] | Unknown
    waiting: tuple[Waiting, ...] | Unknown
    kept: bool | Unknown
    table: tuple[Entry, ...]
    gateways: tuple[str, ...]
    evidence: tuple[Evidence, ...]


VALUE = WayBack
WRITERS = {"": "kernel"}
_ERRORS = {
    "Invalid argument": "blackhole",
    "No route to host": "unreachable",
    "Permission denied": "prohibit",
    "Network is unreachable": "no-route",
}
_USUAL = re.compile(r"^(0:\s+from all lookup local|3276[67]:\s+from all lookup (main|default))\s*$")
_NO_IP = Unknown("ip is not installed")
_KEPT_RETRIES = 3
"""So many answers of the kernel's last for 15 s, longer than it takes to come and look."""


def parse(sections: Mapping[str, Section]) -> WayBack | Unknown:
    section = sections["answers"]
    if (cut := unseen(section)) is not None:
        return cut
    said = parts(section.output)
    routes = tuple(_routes(said))
    rules = tuple(line.strip() for line in said.get("rules", "").splitlines() if not _USUAL.match(line))
    absent = Unknown("the client's address is not known") if "rules" in said else _NO_IP
    waiting = _waiting(said)
    return WayBack(
        routes=routes or absent,
        rules=rules,
        neighbours=tuple(_entries(said["neighbours"])) if "neighbours" in said else absent,
        waiting=waiting,
        table=tuple(_entries(said.get("table", ""))),
        gateways=tuple(re.findall(r" via (?:inet6 )?(\S+)", said.get("gateways", ""))),
        kept=_kept(properties(said.get("kept", ""))),
        evidence=evidence("ip rule", rules)
        + (
            ()
            if isinstance(waiting, Unknown)
            else evidence("ss -nt state syn-recv", [w.text for w in waiting])
        ),
    )


def _routes(said: Mapping[str, str]) -> Iterator[Route]:
    for name, text in said.items():
        if name == "route" or name.startswith("mark 0x"):
            yield _route(text.strip(), int(name[5:] or "0", 16))


def _route(text: str, mark: int) -> Route:
    refused = re.search(r"RTNETLINK answers: (.+)", text)
    named = re.search(r"^(blackhole|unreachable|prohibit) ", text)
    out, via = (re.search(pattern, text) for pattern in (r" dev (\S+)", r" via (?:inet6 )?(\S+)"))
    state: str | Unknown = "ok" if out else Unknown(text.partition("\n")[0] or "ip says nothing")
    if refused or named:
        state = _ERRORS.get(refused[1], Unknown(refused[1])) if refused else str(named and named[1])
    shown = text.partition("\\")[0].strip()
    return Route(
        state=state,
        interface=plain_name(out[1]) if out else "",
        via=address(via[1]) if via else "",
        text=shown,
        mark=mark,
    )


def _entries(text: str) -> Iterator[Entry]:
    for line in dict.fromkeys(text.splitlines()):
        fields = line.split()
        if len(fields) < 4 or fields[1] != "dev":
            continue
        mac = re.search(r" lladdr (\S+)", line)
        yield Entry(
            address(fields[0]), plain_name(fields[2]), mac[1] if mac else "", fields[-1], line.strip()
        )


def _waiting(said: Mapping[str, str]) -> tuple[Waiting, ...] | Unknown:
    if "half-open-proc" in said:
        return tuple(_of_proc(said["half-open-proc"]))
    text = said.get("half-open", "")
    wrong = re.search(r"^(ss|Error|RTNETLINK|Cannot)[ :].*", text, re.M)
    return Unknown(wrong[0]) if wrong else tuple(_of_ss(text))


def _of_ss(text: str) -> Iterator[Waiting]:
    for line in text.splitlines():
        ends = re.findall(r"(?<!\S)(\S+):(\d+)(?=\s|$)", line.partition(" timer:")[0])
        if len(ends) == 2 and (peer := plain_address(ends[1][0])):
            yield Waiting(peer, int(ends[1][1]), int(ends[0][1]), line.strip())


def _of_proc(text: str) -> Iterator[Waiting]:
    for line in text.splitlines():
        ends = [end.partition(":") for end in line.split()[1:3]]
        peer = plain_address(str(_bytes_to_address(ends[1][0])))
        yield Waiting(peer, int(ends[1][2], 16), int(ends[0][2], 16), line.strip())


def _bytes_to_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """/proc's words are in the byte order of the machine, here little-endian.

    >>> _bytes_to_address("0100007F")
    IPv4Address('127.0.0.1')
    """
    words = [bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, len(text), 8)]
    return ipaddress.ip_address(b"".join(words))


def _kept(values: Mapping[str, str]) -> bool | Unknown:
    retries, cookies = number(values.get("tcp_synack_retries")), number(values.get("tcp_syncookies"))
    if retries is None:
        return Unknown("the kernel does not say for how long it answers")
    return retries >= _KEPT_RETRIES and cookies != 2
