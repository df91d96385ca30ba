"""The fact ``translated``: by which other address the host may see the client, and refuse it.

The host refused the client itself, and its rules give that refusal to no packet from the client's own
address: then something on the way (NAT) gave it another one, and who gets just this refusal may be it.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.diagnosis.derived.dialled import Dialled
from sshdoctor.diagnosis.derived.path import Path, dumps, packet_of
from sshdoctor.errors import RulesError
from sshdoctor.facts.host.addresses import Addresses
from sshdoctor.facts.host.bans import Bans, unban_command
from sshdoctor.facts.host.firewall import Firewall
from sshdoctor.model import Command, Evidence, Unknown
from sshdoctor.services import load

_MOST = 64


class Translated(Struct, frozen=True, kw_only=True):
    """``banned`` are the banned addresses to which the host's rules give the reply that came, as
    "192.0.2.1 (jail web)"; ``only``: there is but one. ``rule`` is the rule that refuses the first of them,
    ``unban`` what lifts its ban. ``refused``: who is refused so without being banned, where that is the
    router before the client."""

    banned: tuple[str, ...]
    only: bool
    rule: str
    unban: Command
    refused: str
    evidence: tuple[Evidence, ...]


_NOBODY = Translated(banned=(), only=False, rule="", unban=Command(""), refused="", evidence=())


def translated(
    dial: Dialled,
    way: Path | Unknown,
    client: str | None,
    firewall: Firewall | Unknown,
    addresses: Addresses | Unknown,
    bans: Bans | Unknown,
    router: str,
) -> Translated | Unknown:
    """The fact; ``router`` is the gateway by which the host answers the client, "" if there is none."""
    if isinstance(way, Unknown):
        return way
    if isinstance(firewall, Unknown) or client is None or isinstance(dial.arrives_at, Unknown):
        return Unknown("the host's rules, or the client's address, are not known")
    refused = not isinstance(dial.reply, Unknown) and (dial.reply.startswith("icmp") or dial.reply == "rst")
    if not refused or way.state != "accept" or dial.foreign_sender:
        return _NOBODY
    from sshdoctor.firewall import judge_all

    jails = {} if isinstance(bans, Unknown) else bans.banned
    banned = dict(_addresses(jails, ip_address(client).version))
    others = [address for address in (router, *banned) if address and address != client][:_MOST]
    packet = packet_of(dial, client, dial.arrives_at, addresses)
    try:
        verdicts = judge_all(
            dumps(firewall), [replace(packet, source=other) for other in others], load(dial.service)
        )
    except RulesError as error:
        return Unknown(str(error))
    hit = {
        other: verdict for other, verdict in zip(others, verdicts, strict=True) if verdict.reply == dial.reply
    }
    held = [address for address in hit if address in banned]
    first = next(iter(held or hit), "")
    return Translated(
        banned=tuple(f"{address} (jail {banned[address][0]})" for address in held),
        only=len(held) == 1,
        rule=str(hit[first].rule) if first else "",
        unban=Command(unban_command(*banned[held[0]]) if held else ""),
        refused=router if router in hit and router not in banned else "",
        evidence=(Evidence("the rule that gives this answer", str(hit[first].rule)),) if first else (),
    )


def _addresses(
    jails: dict[str, tuple[str, ...]] | object, version: int
) -> Iterator[tuple[str, tuple[str, str]]]:
    """One address of each banned element, with the jail and the element."""
    for name, elements in getattr(jails, "items", dict)():
        for element in elements:
            try:
                network = ip_network(element, strict=False)
            except ValueError:
                continue
            if network.version == version:
                yield str(network.network_address), (name, element)
