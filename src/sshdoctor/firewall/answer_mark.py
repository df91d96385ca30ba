"""The mark by which the host's answer is routed: what rules have made of it on its way out.

The kernel routes a packet of its own before the output hook, and again only after iptables' table mangle or a
chain of nftables' type route has changed its mark (iptable_mangle.c, nft_chain_route.c). What a chain of the
type filter sets there comes too late for ``ip rule``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sshdoctor.firewall import read_tables
from sshdoctor.firewall.kernel.hooks import Hooks
from sshdoctor.firewall.kernel.paths import ChainPath
from sshdoctor.firewall.kernel.segment import ACK, SYN, first_segment, from_server
from sshdoctor.firewall.model import Chain, Dump, Hook, Packet, Rule, Table
from sshdoctor.firewall.nft.json import objects

_INWARD: tuple[Hook, ...] = ("prerouting", "input")


def answer_mark(rulesets: Sequence[Dump], packet: Packet) -> int | None:
    """The mark of the answer to ``packet``; None if it may be one or another, or the packet does not come in.

    Raises RulesError for a dump that is none.
    """
    tables = [table for table in read_tables(rulesets) if table.family == packet.family]
    coming = Hooks(tables)
    paths = [ChainPath(first_segment(packet))]
    for hook in _INWARD:
        paths = coming.traverse(hook, paths).accepted
    answers = [path._replace(segment=from_server(path.segment, SYN | ACK)) for path in paths]
    going = Hooks([_only_routing(table, _route_chains(rulesets)) for table in tables])
    marks = {path.segment.mark for path in going.traverse("output", answers).accepted}
    return marks.pop() if len(marks) == 1 else None


def marking_rules(rulesets: Sequence[Dump], mark: int) -> Iterator[Rule]:
    """The rules that name ``mark``, in whatever table, for a person to look at."""
    named = re.compile(rf"(?im)^(?>.*?mark\b).*\b(?:0x0*{mark:x}|{mark})\b")
    for table in read_tables(rulesets):
        for chain in table.chains.values():
            for index in range(len(chain.rules)):
                rule = chain.rule(index)
                if named.search(rule.text):
                    yield rule


def _only_routing(table: Table, routes: frozenset[tuple[str, str]]) -> Table:
    """``table`` without the chains of the output hook after which the kernel does not route again."""

    def stays(chain: Chain) -> bool:
        if chain.base is None or chain.base.hook != "output":
            return True
        native = " " in chain.table
        return (chain.table, chain.name) in routes if native else table.name == "mangle"

    return table._replace(chains={name: chain for name, chain in table.chains.items() if stays(chain)})


def _route_chains(rulesets: Sequence[Dump]) -> frozenset[tuple[str, str]]:
    """nftables' chains of the type route, by table and name."""
    listed = (entry for dump in rulesets if dump.tool == "nft" for entry in objects(dump.text))
    return frozenset(
        (f"{entry['family']} {entry['table']}", entry["name"])
        for kind, entry in listed
        if kind == "chain" and entry.get("type") == "route"
    )
