"""The fact ``path``: the verdict of the host's own firewall on this client's connection."""

from __future__ import annotations

import re
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.diagnosis.derived.branch import of_interfaces, of_reply, source_ports
from sshdoctor.diagnosis.derived.dialled import Dialled
from sshdoctor.diagnosis.derived.discovery import Discovery, discovery
from sshdoctor.diagnosis.derived.knocks import knocks
from sshdoctor.errors import RulesError
from sshdoctor.facts.host.addresses import Addresses
from sshdoctor.facts.host.bans import Bans
from sshdoctor.facts.host.firewall import Firewall
from sshdoctor.facts.host.links import Links
from sshdoctor.model import Command, Evidence, Unknown
from sshdoctor.services import load, progress
from sshdoctor.services.base import GREETED
from sshdoctor.unblock.ban import ban, may_be_a_ban
from sshdoctor.unblock.opening import Opening
from sshdoctor.unblock.owner import Owner, command_for, owner_of
from sshdoctor.unblock.redirect import Removal, handle_of
from sshdoctor.unblock.selection import is_native, opening
from sshdoctor.unblock.unban import Unban, unban

if TYPE_CHECKING:
    from sshdoctor.firewall import Dump, Packet, Rule, Verdict


_NO_LINKS = Unknown("the interfaces were not asked for")


class Path(Struct, frozen=True, kw_only=True):
    """``state``: accept, drop or reject; ``reply`` is the word that the client then gets.

    ``owner`` names the tool whose rule decides (ufw, firewalld, fail2ban, iptables ...; "" if no rule does),
    ``saved`` whether the rule comes back after a reboot; ``whose`` says both. ``banned`` is the jail or set
    that holds this client, where the rule that decides is a ban, else "". ``limited``: whether the client
    gets in hangs on a rate, and the reply that it got is one of those that may come of it. ``inferred``: the
    rules leave it open, and the reply that came tells; or it may be a ban, and those could not be seen.
    ``knocks``: by which rules a client is let in that has knocked, "" if there are none.
    """

    state: str | Unknown
    reply: str
    why: str
    owner: str
    saved: bool | Unknown
    whose: str
    banned: str
    limited: bool
    inferred: bool
    knocks: str
    discovery: Discovery
    """Whether the rules let the host's hardware address be found."""
    fix: Command
    opening: Opening | None
    """What would let the client in past the rule that stops or limits it; None for a ban that can be
    lifted for this client."""
    unban: Unban | None
    redirected_to: tuple[str, int] | None
    redirected: bool
    redirected_away: bool
    """To an address that is none of the host's own."""
    redirected_where: str
    redirection: str
    """The rule that redirects, as a person finds it."""
    redirection_fix: Command
    removal: Removal | None
    """What would take the rule away that redirects."""
    evidence: tuple[Evidence, ...]


def path(
    dial: Dialled,
    source: str | None,
    firewall: Firewall | Unknown,
    addresses: Addresses | Unknown,
    bans: Bans | Unknown,
    links: Links | Unknown = _NO_LINKS,
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
    from sshdoctor.firewall import judge  # 40 ms that are paid while the host is waited for

    likely, *others = _entrances(addresses)
    packet = replace(
        packet_of(dial, source, dial.arrives_at, addresses),
        in_interface=likely,
        bridged=_bridged(links, likely),
        queues=None if firewall.queues is None else frozenset(firewall.queues),
        not_recent=frozenset(name for name, held in firewall.recent.items() if source not in held),
    )
    rulesets, service = dumps(firewall), load(dial.service)
    try:
        verdict = judge(rulesets, packet, service)
        found = discovery(verdict, packet, firewall, addresses)
        told = verdict
        if not _hangs_on_a_rate(verdict):
            elsewhere = (
                partial(
                    judge,
                    rulesets,
                    replace(packet, in_interface=name, bridged=_bridged(links, name)),
                    service,
                )
                for name in others
            )
            own = of_reply(verdict, str(dial.reply), stalled="stalled" in str(dial.detail))
            verdict = of_interfaces(own, str(dial.reply), elsewhere)
        return _read(verdict, dial, packet, firewall, bans, found, inferred=verdict.rule != told.rule)
    except RulesError as error:
        return Unknown(str(error))


def packet_of(dial: Dialled, source: str, destination: str, addresses: Addresses | Unknown) -> Packet:
    """The client's SYN as it enters the host, by the interface by which it most likely does."""
    from sshdoctor.firewall import Packet

    return Packet(
        family="ipv6" if dial.family == "ipv6" else "ipv4",
        source=source,
        source_ports=source_ports(),
        destination=destination,
        destination_port=dial.port,
        destination_interface=_interface(addresses, "dialled_interface"),
        in_interface=_entrances(addresses)[0],
        out_interface=_interface(addresses, "return_interface"),
        reverse_path=_returns(addresses),
        local_addresses=() if isinstance(addresses, Unknown) else _all(addresses),
    )


def _bridged(links: Links | Unknown, interface: str | None) -> bool | None:
    """Whether an interface is a bridge with a port, None where that is not known."""
    if isinstance(links, Unknown) or interface is None:
        return None
    return any(link.taken_as == "bridge" and link.taken_by == interface for link in links.all)


def _entrances(addresses: Addresses | Unknown) -> list[str | None]:
    """The interfaces by which the client's packet may come in, the likeliest first: the one that has the
    address dialled, the one that the answer leaves by, and others; not those between this host and its own
    containers."""
    if isinstance(addresses, Unknown):
        return [None]
    first = (_interface(addresses, f"{which}_interface") for which in ("dialled", "return"))
    rest = (each.interface for each in addresses.all if not _INTERNAL.match(each.interface))
    return [name for name in dict.fromkeys((*first, *rest)) if name and name != "lo"] or [None]


_INTERNAL = re.compile(r"(?:lo|docker|br-|veth|virbr|cni|flannel|cali|podman|lxcbr|lxdbr|incusbr)")


def _hangs_on_a_rate(verdict: Verdict) -> bool:
    return verdict.state == "depends" and any(
        word in verdict.why.partition("depends on")[2] for word in _RATES
    )


def dumps(firewall: Firewall) -> list[Dump]:
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


def _returns(addresses: Addresses | Unknown) -> bool | None:
    """The route back leaves by the interface that has the address dialled: where the packet came in, then."""
    back, there = (_interface(addresses, f"{which}_interface") for which in ("return", "dialled"))
    return True if back is not None and back == there else None


def _all(addresses: Addresses) -> tuple[str, ...]:
    return addresses.all_addresses if isinstance(addresses.all_addresses, tuple) else ()


def _read(
    verdict: Verdict,
    dial: Dialled,
    packet: Packet,
    firewall: Firewall,
    bans: Bans | Unknown,
    found: Discovery,
    *,
    inferred: bool,
) -> Path:
    rule, by, to = verdict.rule, verdict.redirected_by, verdict.redirected_to
    tool, tool_by = (command_for(one, dial.family, firewall) if one else "" for one in (rule, by))
    seen = (Evidence(_listing(rule, tool), "\n".join((*verdict.way, str(rule)))),) if rule else ()
    owner = owner_of(rule, dial.family, firewall) if rule else Owner("", Unknown("no rule decides"))
    stopped = rule is not None and verdict.state in ("drop", "reject")
    held = None
    if rule and stopped:
        held = ban(rule, owner.name, packet.source, bans, firewall, _led(verdict, firewall))
    stops = rule is not None and (stopped or verdict.state == "depends")
    lifts = unban(held, rule, packet.source, dial.family) if held and rule else None
    opens = None if lifts else opening(verdict, owner, packet, tool, firewall)
    removal = _removal(by, dial.family, firewall)
    knocked = knocks(firewall, packet.not_recent, packet.destination_port) if stopped else ()
    limited, passed = _limited(verdict, dial), _passed_a_limit(verdict, dial)
    known = "accept" if passed else verdict.state
    return Path(
        state=known if known in ("accept", "drop", "reject") else Unknown(verdict.why),
        reply=str(dial.reply) if limited or _is_one_of(verdict, dial) else verdict.reply or "",
        why=f"this time ({verdict.why})" if passed else verdict.why,
        owner=owner.name,
        saved=owner.saved,
        whose=str(owner) if rule else "",
        banned=f"{held.where}{held.times}" if held else "",
        limited=limited,
        inferred=inferred or (held is None and rule is not None and may_be_a_ban(rule, packet.source, bans)),
        knocks="; ".join(knocked),
        discovery=found,
        fix=Command(held.fix if held else opens.command if opens else ""),
        opening=opens if stops else None,
        unban=lifts,
        redirected_to=to,
        redirected=to is not None,
        redirected_away=to is not None and not _is_own(to[0], packet),
        redirected_where=f"{to[0]} port {to[1]}" if to else "",
        redirection=str(by) if by else "",
        redirection_fix=Command(removal.command if removal else ""),
        removal=removal,
        evidence=(
            *seen,
            *found.evidence,
            *((Evidence(f"{tool}-save", "\n".join(knocked)),) if knocked else ()),
            *(held.evidence if held else ()),
            *_redirecting(by, tool_by),
        ),
    )


def _led(verdict: Verdict, firewall: Firewall) -> list[Rule]:
    """The rules that led to the one that decides, with their text."""
    if not verdict.way:
        return []
    from sshdoctor.firewall import read_tables

    places = [re.fullmatch(r"(.+) (\S+) rule (\d+)", place) for place in verdict.way]
    tables = read_tables(dumps(firewall))
    chains = {(chain.table, name): chain for table in tables for name, chain in table.chains.items()}
    found = ((chains.get((place[1], place[2])), int(place[3])) for place in places if place)
    return [chain.rule(number - 1) for chain, number in found if chain and number <= len(chain.rules)]


def _removal(rule: Rule | None, family: str, firewall: Firewall) -> Removal | None:
    if rule is None:
        return None
    tool = "nft" if is_native(rule) else command_for(rule, family, firewall)
    handle = handle_of(rule, firewall.nft_text or "") if is_native(rule) else None
    return Removal(rule, tool, owner_of(rule, family, firewall).name, handle)


def _is_own(address: str, packet: Packet) -> bool:
    return address in (packet.destination, *packet.local_addresses) or ip_address(address).is_loopback


def _passed_a_limit(verdict: Verdict, dial: Dialled) -> bool:
    """The rules leave it to rate, time or chance, and the client got its banner."""
    passes = verdict.state == "depends" and None in verdict.possible and dial.reply not in verdict.possible
    return passes and progress(dial.reply) >= GREETED


def _limited(verdict: Verdict, dial: Dialled) -> bool:
    return _hangs_on_a_rate(verdict) and dial.reply in verdict.possible


def _is_one_of(verdict: Verdict, dial: Dialled) -> bool:
    """The client is stopped in one of several ways, and this is the word of one."""
    return verdict.state in ("drop", "reject") and verdict.reply is None and dial.reply in verdict.possible


def _redirecting(rule: Rule | None, tool: str) -> tuple[Evidence, ...]:
    return (Evidence(_listing(rule, tool), str(rule)),) if rule else ()


def _listing(rule: Rule, tool: str) -> str:
    return "nft -a list ruleset" if is_native(rule) else f"{tool}-save"


_RATES = ("rate", "lately", "how many connections", "has counted")
"""What the firewall's model says that a limit depends on."""
