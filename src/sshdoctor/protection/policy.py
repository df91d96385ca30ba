"""What protection a host is to have, worked out from what it says: variables of playbook protect-logins.

A jail bans by an own table of nftables where that is installed: it is asked before every other table, closes
connections that stand as well, and outlives a reload of ufw, firewalld and iptables-restore.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from typing import Any

from msgspec import Struct, field

from sshdoctor.facts.protection.engines import Engines
from sshdoctor.facts.protection.guards import Guards
from sshdoctor.model import Unknown, is_network
from sshdoctor.protection.audit import Audited
from sshdoctor.protection.doors import behind, outer

_LOOPBACK = ("127.0.0.0/8", "::1")
_PACKAGES = {"dpkg": ("fail2ban", "python3-systemd")}
"""Beside these a package manager brings what fail2ban needs to read the journal."""


class Policy(Struct, frozen=True, kw_only=True):
    """``refused``: why the host gets none, "" if it does. ``told``: in words, what it comes to.
    ``missing``: those who are to pass, and whom a jail that runs would ban; ``listed``: those of them who
    are to come on the list that `allow` keeps, which counts for more than a jail's own."""

    refused: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    told: str = ""
    missing: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()


def policy(seen: Audited, also: Sequence[str], manager: str, unknown: Sequence[str] = ()) -> Policy:
    """For an audited host. ``also``: who else is never banned; ``unknown``: names of such whose addresses are
    not known; ``manager`` of packages: dpkg, rpm, ..."""
    engines, guards = seen.facts["engines"], seen.facts["guards"]
    if isinstance(engines, Unknown) or isinstance(guards, Unknown) or seen.reached is None:
        return Policy(refused="; ".join(seen.told.why))
    refused = next(filter(None, _refusals(seen, engines, guards)), "")
    if refused:
        return Policy(refused=refused)
    ports = ports_of(seen)
    never = never_of(seen, engines, also)
    variables: dict[str, Any] = {
        "protect_ports": ",".join(map(str, ports)),
        "protect_backend": "systemd",
        "protect_action": action(engines.tools),
        "protect_never": list(never),
        "protect_packages": _packages(engines, manager),
        "protect_six": outer("ipv6", seen.facts["addresses"]) is not None,
        "protect_before": engines.fail2ban,
        "protect_exempt": list(_exempt(engines, never)),
        **sites_of(seen),
    }
    mine = (*seen.told.your_addresses, *also)
    jails = () if isinstance(engines.jails, Unknown) else engines.jails
    held = [jail.ignoreip for jail in jails if jail.name == "sshd"]
    missing = [each for each in mine if any(each not in ignored for ignored in held)]
    return Policy(
        variables=variables,
        told=_told(variables, seen, unknown),
        missing=tuple(missing),
        listed=tuple(missing) if engines.allow_list else (),
    )


def _refusals(seen: Audited, engines: Engines, guards: Guards) -> Iterator[str]:
    """What speaks against it, each with the cure."""
    for name, guard in (("sshguard", guards.sshguard), ("CrowdSec", guards.crowdsec)):
        if guard is not None and not isinstance(guard, Unknown) and guard.running:
            faults = "".join(f" {text}." for text in seen.told.why)
            yield (
                f"{name} runs here and guards SSH: it is not doubled. "
                f"`allow` puts you on its allow-list, `protection` says whether it works.{faults}"
            )
    yield from hindrances(seen, engines, "The protection stays off, as it could shut out everybody")


def hindrances(seen: Audited, engines: Engines, stays_off: str) -> Iterator[str]:
    """What speaks against any ban here, each with the cure; ``stays_off``: what comes of clients unseen."""
    if engines.elsewhere:
        yield "what bans has another network than the session of this login: name another way in"
    assert seen.reached is not None  # noqa: S101 -- the caller has asked
    real, why = seen.reached.sees_real("ssh")
    if real is not True:
        yield f"{stays_off}: {why}"
    if not seen.told.your_addresses:
        yield "Your own address is not known here, so nobody would let it pass: log in over SSH first."
    if not ports_of(seen):
        yield "No port is known at which the SSH server of this host itself is reached."


def ports_of(seen: Audited) -> tuple[int, ...]:
    """Those at which the host's own server is reached: not those that are sent on to a container."""
    firewall = seen.facts["firewall"]
    sent_on = () if isinstance(firewall, Unknown) else behind(firewall)
    assert seen.reached is not None  # noqa: S101 -- the caller has asked
    if isinstance(seen.facts["addresses"], Unknown):
        return ()
    found = {way.packet.destination_port for way in seen.reached.ways("ssh")}
    return tuple(sorted(port for port in found if port and port not in sent_on))


def action(tools: Sequence[str]) -> str:
    """The action of fail2ban for a host that has these tools.

    >>> action(("iptables", "nft", "ufw")), action(("iptables", "ufw")), action(("firewall-cmd",))
    ('nftables-multiport', 'iptables-multiport', 'firewallcmd-rich-rules')
    """
    if "nft" in tools or not tools:
        return "nftables-multiport"
    return "iptables-multiport" if "iptables" in tools else "firewallcmd-rich-rules"


def _packages(engines: Engines, manager: str) -> list[str]:
    bans = {"nft", "iptables", "firewall-cmd"} & {*engines.tools}
    return [*_PACKAGES.get(manager, ("fail2ban",)), *([] if bans else ["nftables"])]


def never_of(seen: Audited, engines: Engines, also: Sequence[str]) -> tuple[str, ...]:
    """Loopback, whom the jail ignores already, you, and the others."""
    jails = () if isinstance(engines.jails, Unknown) else engines.jails
    ignored = [each for jail in jails if jail.name == "sshd" for each in jail.ignoreip]
    some = [each for each in ignored if is_network(each) and not _is_everybody(each)]
    return tuple(dict.fromkeys((*_LOOPBACK, *sorted(some), *seen.told.your_addresses, *also)))


def _exempt(engines: Engines, never: Sequence[str]) -> tuple[str, ...]:
    """Whom sshd's own penalties are to pass by: those that they did before, and who is never banned."""
    if not engines.penalizes:
        return ()
    return tuple(dict.fromkeys((*engines.exempt, *(each for each in never if each not in _LOOPBACK))))


def _is_everybody(network: str) -> bool:
    """fail2ban 1.0 writes 0.0.0.0/0 without its length."""
    return ip_network(network, strict=False).network_address.is_unspecified


def sites_of(seen: Audited) -> dict[str, Any]:
    """Jails for the logs of sites with a page of WordPress's, where these see real addresses."""
    reached = seen.reached
    if reached is None or "web" not in reached.services or reached.sees_real("web")[0] is not True:
        return {"protect_site_logs": [], "protect_site_ports": "http,https"}
    requests = seen.facts["seen_requests"]
    logs = [] if isinstance(requests, Unknown) else [each.file for each in requests.seen]
    ports = {80, 443, *(page.port for page in reached.pages)}
    return {
        "protect_site_logs": sorted(set(logs)),
        "protect_site_ports": ",".join(map(str, sorted(ports))),
    }


def _told(variables: Mapping[str, Any], seen: Audited, unknown: Sequence[str]) -> str:
    never = [each for each in variables["protect_never"] if each not in _LOOPBACK]
    parts = [
        f"five failures in ten minutes at port {variables['protect_ports']} ban an address for ten minutes, "
        "each next time for longer, a week at most"
    ]
    if variables["protect_site_logs"]:
        parts.append("so do ten guesses at a site's wp-login.php, and thirty requests of its xmlrpc.php")
    elif seen.reached is not None and "web" in seen.reached.services:
        parts.append(f"the sites are left out: {seen.reached.sees_real('web')[1]}")
    parts.append(f"never banned: {', '.join(never)}")
    if variables["protect_exempt"]:
        parts.append("nor does sshd refuse these by its own penalties (PerSourcePenaltyExemptList)")
    if unknown:
        parts.append(f"no address is known here for {', '.join(unknown)}: add it with `allow`")
    return "; ".join(parts)
