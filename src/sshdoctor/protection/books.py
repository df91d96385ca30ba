"""Who bans: each jail and each engine, whom it holds, and what its next ban would make of the rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from ipaddress import ip_network

from msgspec import Struct

from sshdoctor.facts.host.firewall import Firewall
from sshdoctor.facts.protection.engines import Jail
from sshdoctor.facts.protection.guards import Crowdsec, Sshguard
from sshdoctor.model import Unknown
from sshdoctor.protection.action.rules import Rules
from sshdoctor.protection.imagined import NoBanError, banned, bans_elsewhere, by_itself, ends_connections
from sshdoctor.protection.wrapping import Wrapping

Ban = Callable[[Firewall, str], Firewall | Unknown]
"""The rules with one address more banned. Raises NoBanError."""
_MOST = 4
_POWERLESS = (
    "{} runs without the capability CAP_NET_ADMIN, so that the kernel refuses every rule of its: "
    "CapabilityBoundingSet= of its unit, or --cap-add NET_ADMIN for a container"
)


class Book(Struct, frozen=True):
    """``held``: who is banned now, the newest last. ``bans``: its actions; one that stops is enough."""

    name: str
    held: tuple[str, ...]
    bans: tuple[Ban, ...]
    ends: bool = False
    """A ban also ends the connections that stand."""
    elsewhere: bool = False
    """A ban is not by the rules of the firewall alone."""

    def of(self, family: str) -> tuple[str, ...]:
        """Some of those held, of one family."""
        return tuple(each for each in self.held if (":" in each) == (family == "ipv6"))[-_MOST:]


def of_jail(
    jail: Jail,
    tools: Sequence[str],
    *,
    wrapped: Wrapping | None = None,
    web: bool = True,
    powerless: bool = False,
) -> Book:
    """The book of one jail of fail2ban; ``wrapped``: what it guards asks hosts.deny; ``web``: is a site;
    ``powerless``: the server may not change what the kernel does to packets."""

    def by(properties: Mapping[str, str]) -> Ban:
        def ban(firewall: Firewall, address: str) -> Firewall | Unknown:
            started = any((":" in each) == (":" in address) for each in jail.banned)
            if powerless and by_itself(properties):
                raise NoBanError(_POWERLESS.format("fail2ban"))
            return banned(firewall, properties, address, tools, started=started, wrapped=wrapped, web=web)

        return ban

    ends = any(ends_connections(each) for each in jail.actions.values())
    actions = jail.actions.values()
    elsewhere = any(bans_elsewhere(each) for each in actions)
    return Book(f"fail2ban's jail {jail.name}", jail.banned, tuple(map(by, actions)), ends, elsewhere)


def of_sshd() -> Book:
    """Its own penalties: it answers who failed too often, and says no."""

    def refuse(rules: Firewall, address: str) -> Unknown:
        return Unknown("sshd itself refuses who fails too often (PerSourcePenalties), and stops no packet")

    return Book("sshd", (), (refuse,))


def of_sshguard(
    guard: Sshguard, firewall: Firewall | Unknown, tools: Sequence[str], *, powerless: bool = False
) -> Book:
    """Its back end is the last part of ``BACKEND``: sets of nft or ipset, or a chain of iptables."""
    backend = guard.settings.get("BACKEND", "").rpartition("/")[2].removeprefix("sshg-fw-")
    held = () if isinstance(firewall, Unknown) else tuple(_listed(firewall))

    def ban(rules: Firewall, address: str) -> Firewall | Unknown:
        six = ":" in address
        table = "ip6" if six else "ip"
        if backend == "null":
            raise NoBanError("sshguard's BACKEND is sshg-fw-null, which stops nobody: sshg-fw-nft-sets")
        if powerless:
            raise NoBanError(_POWERLESS.format("sshguard"))
        command = {
            "nft-sets": ["nft", "add", "element", table, "sshguard", "attackers", "{", address, "}"],
            "iptables": [f"{table}tables", "-A", "sshguard", "-s", address, "-j", "DROP"],
            "ipset": ["ipset", "add", "sshguard6" if six else "sshguard4", address],
        }.get(backend)
        if command is None:
            return Unknown(f"what sshguard's back end {backend or '?'} does to the rules is not known")
        return _after(rules, command, tools, f"sshguard's {backend} has nothing to put a ban into")

    return Book("sshguard", held, (ban,))


def of_crowdsec(
    crowdsec: Crowdsec, firewall: Firewall | Unknown, tools: Sequence[str], *, powerless: bool = False
) -> Book:
    """By the sets of its bouncer for the firewall; without one nobody is stopped."""

    def ban(rules: Firewall, address: str) -> Firewall | Unknown:
        if not crowdsec.bouncers:
            waits = (
                " (a registration is pending: /var/lib/crowdsec/pending-registration)"
                if crowdsec.pending
                else ""
            )
            raise NoBanError(
                f"CrowdSec decides, and no bouncer that runs carries it out{waits}: "
                "systemctl enable --now crowdsec-firewall-bouncer"
            )
        if powerless:
            raise NoBanError(_POWERLESS.format("crowdsec-firewall-bouncer"))
        command = _set_of_bouncer(rules, address)
        if command is None and _set_of_bouncer(rules, "" if ":" in address else "::") is not None:
            raise NoBanError(
                f"the bouncer of CrowdSec has no set for IPv{6 if ':' in address else 4}: nobody is stopped "
                "there. disable_ipv6: false, and nftables: ipv6: enabled: true, in its file"
            )
        if command is None:
            return Unknown("the bouncer of CrowdSec has no set in the rules yet")
        return _after(rules, command, tools, "the bouncer of CrowdSec has no set in the rules")

    return Book("CrowdSec", tuple(filter(_is_address, crowdsec.banned or ())), (ban,))


def _is_address(text: str) -> bool:
    try:
        return ip_network(text).num_addresses > 0
    except ValueError:
        return False


def _set_of_bouncer(rules: Firewall, address: str) -> list[str] | None:
    digit = "6" if ":" in address else ""
    name = rf"crowdsec{digit}-blacklists[\w-]*"
    for table, body in _tables(rules):
        if re.match(r"ip6? ", table) and (found := re.search(rf"\bset ({name})", body)):
            return ["nft", "add", "element", *table.split(), found[1], "{", address, "}"]
    if found := re.search(rf"^create ({name}) ", rules.ipset or "", re.M):
        return ["ipset", "add", found[1], address]
    return None


def _tables(firewall: Firewall) -> Iterator[tuple[str, str]]:
    """Each table of ``nft list ruleset``: its family and name, and what is in it."""
    for block in f"\n{firewall.nft_text or ''}".split("\ntable ")[1:]:
        head, _, body = block.partition(" {")
        yield head, body


def _after(rules: Firewall, command: list[str], tools: Sequence[str], why: str) -> Firewall:
    after = Rules(rules, tools)
    if not after.command(command):
        raise NoBanError(after.missing[0] if after.missing else why)
    return after.firewall


def _listed(firewall: Firewall) -> Iterator[str]:
    """Those in sshguard's own sets and chains."""
    for dump in firewall.dumps:
        yield from (each.split("/")[0] for each in re.findall(r"^-A sshguard -s (\S+) ", dump.text, re.M))
    yield from re.findall(r"^add sshguard[46] (\S+)", firewall.ipset or "", re.M)
    for table, body in _tables(firewall):
        elements = body.partition("elements = {")[2].partition("}")[0]
        if re.fullmatch(r"ip6? sshguard", table):
            yield from re.findall(r"(?<![\da-fA-F.:])[\da-fA-F]{1,4}[.:][\da-fA-F.:]{1,45}", elements)
