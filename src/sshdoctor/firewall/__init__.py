"""What a host's firewall does with a client's connection, as its kernel would do it.

>>> rules = Dump("iptables-save", "ipv4", '''
... *filter
... :INPUT ACCEPT [0:0]
... :FORWARD ACCEPT [0:0]
... :OUTPUT ACCEPT [0:0]
... -A INPUT -p tcp -m tcp --dport 22 -j REJECT --reject-with icmp-port-unreachable
... COMMIT
... ''')
>>> packet = Packet(family="ipv4", source="198.51.100.1", destination="198.51.100.2", destination_port=22)
>>> verdict = judge([rules], packet)
>>> verdict.state, verdict.reply
('reject', 'icmp-port-unreachable')
>>> print(verdict.rule)
filter INPUT rule 1: -A INPUT -p tcp -m tcp --dport 22 -j REJECT --reject-with icmp-port-unreachable

The rules of all tools that are on the host go in together (``iptables-save`` and ``iptables-legacy-save``:
the kernel runs both). The conversation is walked, not one packet: the SYN on its way in, the SYN-ACK's way
out, the client's ACK, the banner and the client's answer; a refusal's own way out as well. What stops the
SYN or the SYN-ACK gives ``silence`` or the word of the REJECT, what stops the ACK or the banner
``no-banner``. A match that cannot be decided sends the packet both ways: only if the outcomes differ is the
verdict ``depends`` (on rate, time, chance) or ``unknown`` (on what the dump does not say).

Behaviour is that of the Linux kernel, as the tests measure it with two network namespaces.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from msgspec.structs import replace

from sshdoctor.errors import RulesError
from sshdoctor.firewall.interfaces import by_every_name
from sshdoctor.firewall.ipset import read_sets, with_changing
from sshdoctor.firewall.iptables.save import read
from sshdoctor.firewall.kernel.conversation import hold_conversation
from sshdoctor.firewall.kernel.hooks import Hooks
from sshdoctor.firewall.model import Dump, Packet, Rule, Table, Verdict
from sshdoctor.model import Family
from sshdoctor.services import Service, default

__all__ = ["Dump", "Packet", "Rule", "RulesError", "Verdict", "judge", "judge_all", "read_tables"]


def judge(rulesets: Sequence[Dump], packet: Packet, service: Service | None = None) -> Verdict:
    """The verdict on the connection that ``packet`` would open, under all of ``rulesets`` at once.

    ``service`` is what is dialled: the one that is meant where none is named, if it is not given.

    Rulesets of the other family are passed over. Raises RulesError for a dump that is none, and
    UsageError for an address that is none.
    """
    tables = [table for table in read_tables(rulesets) if table.family == packet.family]
    hooks = Hooks(tables)
    said = (service or default()).conversation
    verdict = by_every_name(partial(hold_conversation, hooks, said), tables, packet)
    if packet.family == "ipv6" and verdict.state in ("accept", "drop"):
        from sshdoctor.firewall.kernel.neighbours import neighbour_caveat

        return replace(verdict, caveat=neighbour_caveat(hooks, packet))
    return verdict


def judge_all(
    rulesets: Sequence[Dump], packets: Sequence[Packet], service: Service | None = None
) -> list[Verdict]:
    """The verdict on each of several connections of one family under the same rules. Raises as ``judge``."""
    hooks = Hooks([table for table in read_tables(rulesets) if packets and table.family == packets[0].family])
    said = (service or default()).conversation
    return [hold_conversation(hooks, said, packet) for packet in packets]


def read_tables(rulesets: Iterable[Dump]) -> list[Table]:
    """All tables in ``rulesets``; the same table of the same tool, printed twice, counts once.

    Tools other than iptables-save: ``nft`` is the JSON of ``nft -j list ruleset``, of both families;
    ``nft-text`` is ``nft -a list ruleset``, or a script of nft: it is read where there is no JSON, and lends
    its words to the rules where there is; ``ipset`` is ``ipset save``, for the match ``set``. A table that
    iptables-save has as well as nft is taken from there, since nft shows iptables' rules without their
    parameters.
    """
    native = [dump for dump in rulesets if dump.tool.startswith("nft")]
    listed = [read_sets(dump.text) for dump in rulesets if dump.tool == "ipset"]
    saved = [dump for dump in rulesets if dump not in native and dump.tool != "ipset"]
    sets = with_changing(ChainMap(*reversed(listed)), (dump.text for dump in saved)) if listed else {}
    tables = {(t.family, t.backend, t.name): t for dump in saved for t in read(dump, sets)}
    own = list(tables.values())
    if native:
        for table in _native_tables(native):
            twin = _twin(table, tables)
            if twin is not None:
                _take_order(twin, table)
            else:
                own.append(table)
    return own


def _twin(listed: Table, saved: Mapping[tuple[Family, str, str], Table]) -> Table | None:
    """The table of iptables-save that nft lists too. Where the dump does not say that it is nf_tables', its
    chains tell."""
    if listed.backend not in ("nft ip", "nft ip6"):
        return None
    unsaid = saved.get((listed.family, "", listed.name))
    if unsaid is not None and not set(listed.chains) <= set(unsaid.chains):
        unsaid = None
    return saved.get((listed.family, "nft", listed.name)) or unsaid


def _native_tables(native: Sequence[Dump]) -> list[Table]:
    from sshdoctor.firewall.nft.json import read as read_nft
    from sshdoctor.firewall.nft.json import read_text

    listing = "".join(dump.text for dump in native if dump.tool == "nft-text")
    as_json = [dump for dump in native if dump.tool == "nft"]
    if not as_json:
        return read_text(listing)
    return [table for dump in as_json for table in read_nft(dump.text, listing)]


def _take_order(table: Table, listed: Table) -> None:
    """nft lists base chains in the order of their registration, and with their priority, which iptables-save
    does not tell."""
    for name, chain in listed.chains.items():
        known = table.chains.get(name)
        if known is not None and known.base is not None and chain.base is not None:
            known.base = known.base._replace(order=chain.base.order, priority=chain.base.priority)
