"""The plain conditions that a line of iptables-save begins with: most rules are passed over by them alone."""

from __future__ import annotations

from collections.abc import Callable

from sshdoctor.firewall.iptables import values
from sshdoctor.firewall.kernel import matches as judge
from sshdoctor.firewall.model import Match
from sshdoctor.model import Family


def plain_guards(text: str, family: Family) -> tuple[Match, ...]:
    """The conditions that the line begins with, as far as they are plain; none if one cannot be read."""
    words = text.split(" ", 12)
    found: list[Match] = []
    place = 2
    try:
        while guard := _GUARDS.get(words[place]):
            found.append(guard(words[place + 1], family))
            place += 2
        if words[place : place + 3] == ["-m", "tcp", "--dport"]:
            found.append(Match(judge.destination_port, values.ports(words[place + 3])))
    except (ValueError, IndexError):
        return ()
    return tuple(found)


def _plain(word: str) -> str:
    if word[:1] in ("!", '"', "-", ""):
        raise ValueError(word)
    return word


def _guarded_protocol(word: str, family: Family) -> Match:
    number = values.protocol(word)
    return Match(judge.protocol, number) if number else Match(judge.always, True)


_GUARDS: dict[str, Callable[[str, Family], Match]] = {
    "-s": lambda word, family: Match(judge.source, (values.network(word, family),)),
    "-d": lambda word, family: Match(judge.destination, (values.network(word, family),)),
    "-i": lambda word, family: Match(judge.in_interface, _plain(word)),
    "-o": lambda word, family: Match(judge.out_interface, _plain(word)),
    "-p": _guarded_protocol,
}
