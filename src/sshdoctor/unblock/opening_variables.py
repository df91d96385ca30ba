"""An opening as the playbook ``open-firewall`` takes it: plain values, each item for one of its parts.

What an item holds stands at the head of the part that takes it (playbooks/open-firewall/).
"""

from __future__ import annotations

from collections.abc import Iterator

from sshdoctor.unblock.opening import Opening

Item = dict[str, object]


def items(opening: Opening) -> Iterator[Item]:
    """The items of ``openings``: the rule as the tool that owns it takes it, how it is saved, what to say."""
    yield {"by": _by(opening), **_rule(opening)}
    if opening.direct:
        yield {"by": "firewalld-direct", "rule": opening.direct}
    if opening.saved.file:
        yield _saved(opening)
    if opening.note:
        yield {"by": "note", "note": opening.note}


def _by(opening: Opening) -> str:
    """The part of the playbook, or of its parts, that adds the rule."""
    if opening.tool == "ufw":
        return "ufw-first" if opening.place == "first" else "ufw"
    if opening.tool == "nft":
        return "nftables"
    if opening.tool == "firewall-cmd":
        return f"firewalld-{_kind(opening)}"
    return "iptables-other" if opening.tool.endswith(("-nft", "-legacy")) else "iptables"


def _kind(opening: Opening) -> str:
    if opening.policy:
        return "policy"
    if opening.rich:
        return "rich-rule"
    return "service" if opening.port == 22 else "port"


def _rule(opening: Opening) -> Item:
    if opening.tool == "ufw":
        return {"port": opening.port, "words": opening.words, "comment": opening.comment}
    if opening.tool == "firewall-cmd":
        return _of_firewalld(opening)
    if opening.tool == "nft":
        return {**_place(opening), "words": opening.words}
    return {
        "tool": opening.tool,
        "family": opening.family,
        "table": opening.table,
        "chain": opening.chain,
        "append": opening.place == "end",
        "number": opening.position,
        "port": opening.port,
        "source": opening.network,
        "outward": opening.outward,
        "comment": opening.comment,
        "words": opening.words,
        "arguments": opening.arguments,
    }


def _of_firewalld(opening: Opening) -> Item:
    if opening.policy:
        entry = f"{opening.policy} {opening.addition};"
        return {"policy": opening.policy, "addition": opening.addition, "entry": entry}
    return {"zone": opening.zone, "port": opening.port, "rule": opening.rich}


def _place(opening: Opening) -> Item:
    family, _, table = opening.table.rpartition(" ")
    return {"family": family, "table": table, "chain": opening.chain}


def _saved(opening: Opening) -> Item:
    saved = {"file": opening.saved.file, "words": opening.words}
    if opening.tool == "nft":
        return {"by": "nftables-saved", **saved, **_place(opening), "source": opening.network}
    restore = "ip6tables-restore" if opening.family == "ipv6" else "iptables-restore"
    where = {"pattern": opening.saved.pattern, "after": opening.saved.after}
    return {"by": "iptables-saved", **saved, **where, "restore": restore}
