"""The fact ``path``: the verdict of the host's own firewall on this client's connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sshdoctor.diagnosis.dialled import Dialled
from sshdoctor.errors import RulesError
from sshdoctor.facts.addresses import Addresses
from sshdoctor.facts.firewall import Firewall
from sshdoctor.model import Evidence, Unknown

if TYPE_CHECKING:
    from sshdoctor.firewall import Dump, Rule, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """``state``: accept, drop or reject; ``reply`` is the word that the client then gets."""

    state: str | Unknown
    reply: str
    why: str
    fix: str
    redirected_to: tuple[str, int] | None
    evidence: tuple[Evidence, ...]


def path(
    dial: Dialled, source: str | None, firewall: Firewall | Unknown, addresses: Addresses | Unknown
) -> Path | Unknown:
    """The fact for the connection from ``source`` (the client's address as the host sees it)."""
    if isinstance(firewall, Unknown):
        return firewall
    if isinstance(firewall.readable, Unknown):
        return firewall.readable
    if isinstance(dial.arrives_at, Unknown):
        return dial.arrives_at
    if source is None:
        return Unknown("the client's address is not known")
    from sshdoctor.firewall import (
        Packet,
        judge,
    )  # the walk is only paid for where there are rules to walk

    packet = Packet(
        family="ipv6" if dial.family == "ipv6" else "ipv4",
        source=source,
        destination=dial.arrives_at,
        destination_port=dial.port,
        in_interface=_interface(addresses, "return_interface") or _interface(addresses, "dialled_interface"),
        out_interface=_interface(addresses, "return_interface"),
        local_addresses=() if isinstance(addresses, Unknown) else _all(addresses),
    )
    try:
        return _read(judge(_dumps(firewall), packet), dial, source)
    except RulesError as error:
        return Unknown(str(error))


def _dumps(firewall: Firewall) -> list[Dump]:
    """Everything that the kernel holds: every back end of iptables, native nftables, and the sets."""
    from sshdoctor.firewall import Dump

    others = {"nft": firewall.nft_json, "nft-text": firewall.nft_text, "ipset": firewall.ipset}
    return [
        *(Dump(one.tool, one.family, one.text) for one in firewall.dumps),
        *(Dump(tool, "ipv4", text) for tool, text in others.items() if text),
    ]


def _interface(addresses: Addresses | Unknown, which: str) -> str | None:
    name = getattr(addresses, which, None)
    return name if isinstance(name, str) else None


def _all(addresses: Addresses) -> tuple[str, ...]:
    return addresses.all_addresses if isinstance(addresses.all_addresses, tuple) else ()


def _read(verdict: Verdict, dial: Dialled, source: str) -> Path:
    rule = verdict.rule
    seen = (Evidence(_listing(rule, dial), "\n".join((*verdict.way, str(rule)))),) if rule else ()
    return Path(
        state=verdict.state if verdict.state in ("accept", "drop", "reject") else Unknown(verdict.why),
        reply=verdict.reply or "",
        why=verdict.why,
        fix=_accepting(rule, dial, source) if rule else "",
        redirected_to=verdict.redirected_to,
        evidence=seen,
    )


def _is_native(rule: Rule) -> bool:
    """A rule of nftables' own: its table is named with its family, as in ``inet filter``."""
    return " " in rule.table


def _tool(dial: Dialled) -> str:
    return "ip6tables" if dial.family == "ipv6" else "iptables"


def _listing(rule: Rule, dial: Dialled) -> str:
    return "nft -a list ruleset" if _is_native(rule) else f"{_tool(dial)}-save"


def _accepting(rule: Rule, dial: Dialled, source: str) -> str:
    """The smallest rule that takes this client's packets before the one that stops them."""
    outward = "out" in rule.chain.lower() or rule.chain == "POSTROUTING"
    if _is_native(rule):
        ends = f"sport {dial.port}" if outward else f"dport {dial.port}"
        peer = f"{'ip6' if dial.family == 'ipv6' else 'ip'} {'daddr' if outward else 'saddr'} {source}"
        return f"nft insert rule {rule.table} {rule.chain} {peer} tcp {ends} accept"
    ends = f"--sport {dial.port} -d {source}" if outward else f"--dport {dial.port} -s {source}"
    where = rule.chain if rule.number is None else f"{rule.chain} {rule.number}"
    verb = "-A" if rule.number is None else "-I"
    return f"{_tool(dial)} -t {rule.table} {verb} {where} -p tcp {ends} -j ACCEPT"
