"""What the firewall's rules will be after openings and unbans, and so what a client's packet meets then.

Each change is made to the dumps as its tool makes it to the kernel's rules; tests apply the tools on real
hosts and compare. So a plan that would not let the client in is known for one before anything is changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.facts.host.firewall import Firewall, SavedRules
from sshdoctor.model import Unknown
from sshdoctor.unblock import ruleset_json as nft
from sshdoctor.unblock.forecast_owners import dumped, firewalld, listed, ufw
from sshdoctor.unblock.opening import Opening
from sshdoctor.unblock.ruleset_text import Rules, change_chain
from sshdoctor.unblock.unban import Unban

Change = Opening | Unban


class FirewallAnswer(Protocol):
    """What the forecast asks of the fact ``path``: what a packet meets, and what would change that."""

    @property
    def state(self) -> str | Unknown: ...
    @property
    def why(self) -> str: ...
    @property
    def opening(self) -> Opening | None: ...
    @property
    def unban(self) -> Unban | None: ...
    @property
    def redirected_to(self) -> tuple[str, int] | None: ...


JudgeRules = Callable[[Firewall], FirewallAnswer | Unknown]
"""What a client's packet meets under these rules."""

_MOST = 8
"""Rules in a row that may be opened; a host with more needs a person."""


class Forecast(Struct, frozen=True):
    """``changes`` in order, and ``afterwards``: what the packet meets once they are made."""

    changes: tuple[Change, ...]
    afterwards: FirewallAnswer | Unknown

    @property
    def lets_in(self) -> bool:
        """Whether the firewall then lets the client's whole conversation pass, for certain."""
        return not isinstance(self.afterwards, Unknown) and self.afterwards.state == "accept"


def plan(judged: JudgeRules, source: str, firewall: Firewall, *, opened_to: str = "") -> Forecast:
    """The changes by which the rules let the client ``source`` in, one rule after another.

    ``opened_to``: "" for this client alone, "any" for everybody, or a network (for a client of its family).
    Where nothing helps further, the changes found so far are given: ask ``lets_in``.
    """

    changes: list[Change] = []
    now = judged(firewall)
    while not isinstance(now, Unknown) and len(changes) < _MOST:
        for change in _ways(now, firewall, source, opened_to, judged):
            then = after(firewall, [change])
            met = judged(then)
            if not isinstance(met, Unknown) and (met.state == "accept" or _where(met) != _where(now)):
                break
        else:
            break
        changes.append(change)
        firewall, now = then, met
    return Forecast(tuple(changes), now)


def _where(met: FirewallAnswer) -> str:
    """The rule that decides; a rule that is put before it moves its number on."""
    return re.sub(r" rule \d+:", "", met.why)


def _ways(
    now: FirewallAnswer, firewall: Firewall, source: str, opened_to: str, judged: JudgeRules
) -> Iterator[Change]:
    """The owner's own way first. It does not help where the port is another one inside (a redirection), where
    the chain is left before its end, or where the owner's rules come too late: then what does."""
    if now.unban is not None:
        yield now.unban
    if now.opening is None:
        return
    opening, whom = now.opening, _whom(source, opened_to)
    if opening.source is None and whom is not None:
        opening = replace(opening, place="first")
    opening = replace(opening, source=whom)
    yield opening
    wide = judged(after(firewall, [replace(opening.bare(), source=source, port=None)]))
    if not isinstance(wide, Unknown) and wide.redirected_to and wide.redirected_to[1] != opening.port:
        opening = replace(opening, port=wide.redirected_to[1])
        yield opening
    bare = replace(opening.bare(), source=whom)
    yield bare
    yield replace(bare, place="first")


def _whom(source: str, opened_to: str) -> str | None:
    """Whose packets an opening takes: an address or a network of the client's family; None is everybody."""
    if opened_to == "any":
        return None
    same_family = opened_to != "" and (":" in opened_to) == (":" in source)
    return opened_to if same_family else source


def after(firewall: Firewall, changes: Iterable[Change]) -> Firewall:
    """The facts as they will be once ``changes`` are made, in order.

    A change that its tool would not make (the rule is there already, the chain is not) changes nothing.
    """
    for change in changes:
        if isinstance(change, Unban):
            firewall = _unbanned(firewall, change)
        elif change.tool == "ufw":
            firewall = ufw(firewall, change)
        elif change.tool == "firewall-cmd":
            firewall = firewalld(firewall, change)
        elif change.tool == "nft":
            firewall = _nft(firewall, change)
        else:
            firewall = _iptables(firewall, change)
    return firewall


def _nft(firewall: Firewall, opening: Opening) -> Firewall:
    """``nft insert rule`` takes the first place."""
    family, _, table = opening.table.partition(" ")
    chain = nft.ChainName(family, table, opening.chain)
    put = partial(nft.insert, chain=chain, opening=opening, words=opening.words, first=True)
    return listed(firewall, put)


def _iptables(firewall: Firewall, opening: Opening) -> Firewall:
    def inserted(rules: Rules) -> Rules:
        at = {"first": 0, "end": len(rules)}.get(opening.place, (opening.number or 1) - 1)
        return [*rules[:at], opening.words, *rules[at:]]

    def edit(dump: SavedRules) -> str:
        if dump.family != opening.family or _command(dump, firewall) != opening.tool:
            return dump.text
        return change_chain(dump.text, opening.table, opening.chain, inserted)

    return _saved(dumped(firewall, edit), opening)


def _saved(firewall: Firewall, opening: Opening) -> Firewall:
    """The file that restores the rules has the new one too, beside the line that was found there."""
    place = opening.saved
    lines = firewall.saved.get(place.file, ())
    if isinstance(lines, Unknown) or opening.words in lines:
        return firewall
    at = next((n for n, line in enumerate(lines) if line.rstrip() == place.line), None)
    if at is None:
        return firewall
    at += place.after
    return replace(firewall, saved={**firewall.saved, place.file: (*lines[:at], opening.words, *lines[at:])})


def _command(dump: SavedRules, firewall: Firewall) -> str:
    """The command whose rules ``dump`` has; a dump that names no back end is the plain command's."""
    plain = "ip6tables" if dump.family == "ipv6" else "iptables"
    default = firewall.default.get(dump.family, "nft")
    backend = next((each for each in ("nft", "legacy") if f"-{each}-" in dump.tool), default)
    return plain if backend == default else f"{plain}-{backend}"


def _unbanned(firewall: Firewall, unban: Unban) -> Firewall:
    """Out of the set that the rule asks; a rule that asks none names the client, and goes itself."""
    rule, name = unban.rule, unban.set_name
    family, native, table = rule.table.partition(" ")
    if name and native:
        take = partial(nft.remove_element, family=family, table=table, name=name, address=unban.address)
        return listed(firewall, take)
    if name and firewall.ipset is not None:
        return replace(firewall, ipset=_without(firewall.ipset, name, unban.address))
    if name or rule.number is None:
        return firewall
    if native:
        chain = nft.ChainName(family, table, rule.chain)
        return listed(firewall, partial(nft.remove, chain=chain, number=rule.number))

    def edit(dump: SavedRules) -> str:
        if dump.family != unban.family:
            return dump.text
        return change_chain(dump.text, rule.table, rule.chain, lambda own: [r for r in own if r != rule.text])

    return dumped(firewall, edit)


def _without(ipset: str, name: str, address: str) -> str:
    """The output of ``ipset save`` without an element, and what was said with it (its timeout)."""
    gone = re.compile(rf"add {re.escape(name)} {re.escape(address)}( |$)")
    return "".join(line for line in ipset.splitlines(keepends=True) if not gone.match(line))
