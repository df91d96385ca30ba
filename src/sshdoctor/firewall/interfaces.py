"""Where the interface of a packet is not known: what each name that the rules ask for would come to.

An interface is one of these names, or none of them. If all come to the same, that is the verdict.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import product

from msgspec.structs import replace

from sshdoctor.firewall.kernel.matches import INTERFACE
from sshdoctor.firewall.model import Packet, Table, Verdict

_MOST = 48
"""So many combinations are tried; rules with more names stay open."""
_ANOTHER = "\0"
"""The name of an interface that no rule asks for."""


def by_every_name(judge: Callable[[Packet], Verdict], tables: Iterable[Table], packet: Packet) -> Verdict:
    """The verdict of ``judge``, or what it comes to where it hangs on an interface that is not known."""
    verdict = judge(packet)
    if verdict.state != "unknown" or INTERFACE.why not in verdict.why:
        return verdict
    names = sorted({name for table in tables for name in table.interfaces()} - {"lo"})
    samples = [*map(_sample, names), _ANOTHER]
    ways = [samples if known is None else [known] for known in (packet.in_interface, packet.out_interface)]
    if len(ways[0]) * len(ways[1]) > _MOST:
        return verdict
    tried: list[tuple[tuple[str, str], Verdict]] = [
        ((way[0], way[1]), judge(replace(packet, in_interface=way[0], out_interface=way[1])))
        for way in product(*ways)
    ]
    looks = {(each.state, each.reply, each.redirected_to) for _, each in tried}
    if len(looks) == 1 and tried[0][1].state != "unknown":
        return tried[0][1]
    return _open(packet, tried, verdict)


def _sample(name: str) -> str:
    """``eth+`` and ``eth*`` are any interface whose name begins so."""
    return name[:-1] + _ANOTHER if name[-1] in "+*" else name


def _open(packet: Packet, tried: Sequence[tuple[tuple[str, str], Verdict]], verdict: Verdict) -> Verdict:
    """What differs from one interface to another, in words."""
    if any(each.state == "unknown" for _, each in tried):
        return verdict
    sides = [side for side, known in enumerate((packet.in_interface, packet.out_interface)) if known is None]
    said = dict.fromkeys(
        f"{' and '.join(_shown(way[side], side) for side in sides)}: {each.reply or each.state}"
        for way, each in tried
    )
    possible = dict.fromkeys(reply for _, each in tried for reply in each.possible)
    branches = {(branch.reply, branch.redirected_to): branch for _, each in tried for branch in each.branches}
    why = f"{verdict.rule}: cannot be told without {INTERFACE.why} ({'; '.join(list(said)[:6])})"
    return replace(verdict, why=why, possible=tuple(possible), branches=tuple(branches.values()))


def _shown(name: str, side: int) -> str:
    way = ("in by", "out by")[side]
    return f"{way} {'another' if name == _ANOTHER else name.replace(_ANOTHER, '...')}"


_OPTION = re.compile(r"(?:^| )(?:-i|-o|--in-interface|--out-interface) (?:! )?(\S+)")


def asked_by_iptables(rules: Iterable[str]) -> set[str]:
    """The interfaces that rules of iptables-save ask for."""
    return {name.strip('"') for rule in rules for name in _OPTION.findall(rule) if name != "+"}
