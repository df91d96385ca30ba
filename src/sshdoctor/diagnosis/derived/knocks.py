"""Rules that let in who has knocked: what would put a client on the list that they ask (``-m recent``)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sshdoctor.facts.host.firewall import Firewall


def knocks(firewall: Firewall, missing: Iterable[str], port: int) -> tuple[str, ...]:
    """For each of the lists ``missing``, which do not hold the client, and by which a rule would let it in to
    ``port``: that rule, and those that put a client there."""
    lines = [line for dump in firewall.dumps for line in dump.text.splitlines() if "-m recent" in line]
    return tuple(found for name in missing for found in _knock(lines, name, port))


def _knock(lines: list[str], name: str, port: int) -> Iterator[str]:
    """
    >>> next(_knock(["-A I -m recent --rcheck --name K -j ACCEPT"], "K", 9))
    'only who is on the list K is let in: -A I -m recent --rcheck --name K -j ACCEPT'
    """
    named = [line for line in lines if re.search(rf"--name {re.escape(name)}(\s|$)", line)]
    lets_in = [
        one
        for one in named
        if re.match(r"(?>.*?--(?:rcheck|update)\b).* -j ACCEPT", one) and _means(one, port)
    ]
    if not lets_in:
        return
    yield f"only who is on the list {name} is let in: {lets_in[0]}"
    for line in named:
        if "--set" in line and line not in lets_in:
            yield f"this puts a client there: {line}"


def _means(line: str, port: int) -> bool:
    ports = re.search(r"--dports? (\S+)", line)
    return ports is None or str(port) in re.split(r"[,:]", ports[1])
