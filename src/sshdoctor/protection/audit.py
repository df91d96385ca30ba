"""The audit of one host: looked at from outside and inside, once, and what both come to."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from msgspec.structs import replace

from sshdoctor.diagnosis.inside import Inside, look_inside
from sshdoctor.diagnosis.outside import Outside, ProbeOptions, look_outside
from sshdoctor.diagnosis.setup import Wanted
from sshdoctor.facts.protection.engines import Engines, Jail
from sshdoctor.model import Host, Unknown
from sshdoctor.protection.doors import Audit, ways
from sshdoctor.protection.notice import notices, sees_real
from sshdoctor.protection.state import Door, Protection, every

FACTS = ("addresses", "engines", "firewall", "identity", "listeners")
_SERVICE = "ssh"


def protection(host: Host, probing: ProbeOptions) -> Protection:
    """What guards ``host``, and whether it does."""
    outside = look_outside(host, probing)
    inside = look_inside(host, outside, Wanted(facts=FACTS), probing)
    return judged(host.name, outside, inside)


def judged(name: str, outside: Outside, inside: Inside) -> Protection:
    """What was seen, as the contract has it."""
    facts = inside.views[0].facts
    yours = {str(ip_address(view.client)): view for view in inside.views if view.client}
    engines = facts["engines"]
    seen = Protection(host=name, your_addresses=tuple(yours))
    if isinstance(engines, Unknown):
        return _with(seen, why=(engines.reason,))
    seen = _with(seen, engines=_running(engines), why=())
    if engines.fail2ban != "running":
        return _without_fail2ban(seen, engines, outside, facts)
    if isinstance(engines.jails, Unknown):
        return _with(seen, why=(f"fail2ban's server does not tell of its jails: {engines.jails.reason}",))
    jails = tuple(jail for jail in engines.jails if _SERVICE in jail.samples)
    if not jails:
        names = ", ".join(jail.name for jail in engines.jails) or "none"
        why = f"no jail of fail2ban has a filter for {_SERVICE} (jails: {names}). [sshd] enabled = true"
        real, said = _real(engines, outside, facts)
        return _with(
            seen,
            running=False,
            on=False,
            sees_real_addresses=real,
            bans_stop_packets=False,
            why=_told(why, said),
        )
    return _of_jails(seen, engines, jails, outside, facts)


def _of_jails(
    seen: Protection, engines: Engines, jails: tuple[Jail, ...], outside: Outside, facts: Mapping[str, Any]
) -> Protection:
    found = [notices(engines, jail) for jail in jails]
    noticed = next(
        (value for value, _ in found if value), None if any(v is None for v, _ in found) else False
    )
    real, said = _real(engines, outside, facts)
    firewall, addresses = facts["firewall"], facts["addresses"]
    doors: tuple[Door, ...] = ()
    after: bool | None = None
    why: list[str] = []
    if isinstance(firewall, Unknown) or isinstance(firewall.readable, Unknown):
        cause = firewall if isinstance(firewall, Unknown) else firewall.readable
        why.append(f"bans_stop_packets: {cause.reason}")
    else:
        audit = Audit(firewall, jails, engines.tools)
        packets = list(ways(outside.replies, facts["listeners"], addresses))
        doors = tuple(audit.door(packet) for packet in packets)
        after = every(audit.after(packet).stops_new for packet in packets)
        why += audit.why
    stops = every(door.stops_new for door in doors)
    allowed, unresolved = _allowed(jails)
    return _with(
        seen,
        running=True,
        notices=noticed,
        on=noticed,
        attacks_blocked=None if isinstance(engines.blocked, Unknown) else engines.blocked,
        banned_now=len({each for jail in jails for each in jail.banned}),
        sees_real_addresses=real,
        bans_stop_packets=stops,
        doors=doors,
        allowed=allowed,
        allowed_unresolved=unresolved,
        owner_allowed={family: _is_allowed(seen, allowed, family) for family in ("ipv4", "ipv6")},
        after_next_failure=after if stops is not True else None,
        why=_told(*(text for value, text in found if not noticed), said, *why, _forgets(engines)),
    )


def _forgets(engines: Engines) -> str:
    if engines.dbfile not in ("", "None"):
        return ""
    return "fail2ban keeps no database (dbfile = None): a restart lets all who are banned in again"


def _without_fail2ban(
    seen: Protection, engines: Engines, outside: Outside, facts: Mapping[str, Any]
) -> Protection:
    real, said = _real(engines, outside, facts)
    if "sshguard" in engines.running or "crowdsec" in engines.running:
        name = "sshguard" if "sshguard" in engines.running else "crowdsec"
        why = f"{name} runs; whether it notices failures and stops packets is not judged yet"
        return _with(seen, running=True, sees_real_addresses=real, why=_told(why, said))
    refused = engines.refused.partition("\n")[0]
    why = "nothing is installed that bans who guesses passwords: sshdoctor protect, or apt install fail2ban"
    if engines.fail2ban == "stopped":
        why = f"fail2ban is installed and does not run: {refused}"
    return _with(
        seen,
        running=False,
        on=False,
        sees_real_addresses=real,
        bans_stop_packets=False if engines.fail2ban == "stopped" else None,
        why=_told(why, said),
    )


def _real(engines: Engines, outside: Outside, facts: Mapping[str, Any]) -> tuple[bool | None, str]:
    addresses = facts["addresses"]
    own = () if isinstance(addresses, Unknown) else addresses.all_addresses
    return sees_real(engines, outside.replies, own)


def _running(engines: Engines) -> tuple[str, ...]:
    names = ["fail2ban"] if engines.fail2ban == "running" else []
    names += [name for name in ("sshguard", "crowdsec") if name in engines.running]
    return (*names, "sshd") if engines.penalties not in ("", "no") else tuple(names)


def _allowed(jails: tuple[Jail, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What every jail ignores: addresses and networks, and names, which hang on a resolver."""
    first, *others = (jail.ignoreip for jail in jails)
    common = [each for each in first if all(each in other for other in others)]
    named = tuple(each for each in common if not _is_network(each))
    return tuple(each for each in common if each not in named), named


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _is_allowed(seen: Protection, allowed: tuple[str, ...], family: str) -> bool | None:
    """Whether all of your addresses of the family are; None if none is known."""
    mine = [each for each in map(ip_address, seen.your_addresses) if f"ipv{each.version}" == family]
    networks = [ip_network(each, strict=False) for each in allowed]
    return all(any(one in network for network in networks) for one in mine) if mine else None


def _told(*why: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in why if text))


def _with(seen: Protection, **changes: Any) -> Protection:
    return replace(seen, **changes)
