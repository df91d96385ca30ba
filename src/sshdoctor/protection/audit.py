"""The audit of one host: looked at from outside and inside, once, and what both come to."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.diagnosis.inside import Inside, look_inside
from sshdoctor.diagnosis.outside import Outside, ProbeOptions, look_outside
from sshdoctor.diagnosis.setup import Wanted
from sshdoctor.facts.protection.share import Share
from sshdoctor.model import Host, Unknown, is_network
from sshdoctor.protection.doors import Audit
from sshdoctor.protection.guarding import Guard, Guarding
from sshdoctor.protection.pages import Asked, asked, asked_besides
from sshdoctor.protection.reached import Reached, family_of
from sshdoctor.protection.state import Door, Protection, every
from sshdoctor.protection.yours import source_towards, your_addresses

FACTS = (
    "addresses",
    "engines",
    "firewall",
    "guards",
    "identity",
    "listeners",
    "seen_requests",
    "share",
    "wrappers",
)
_WEB_SECONDS = 3


class Audited(Struct, frozen=True):
    """An audit, that of logins by SSH alone, the facts that both rest on, and by what the host is reached."""

    told: Protection
    logins: Protection
    facts: Mapping[str, Any]
    reached: Reached | None = None


def protection(host: Host, probing: ProbeOptions) -> Protection:
    """What guards ``host``, and whether it does."""
    return audited(host, probing).told


def audited(host: Host, probing: ProbeOptions) -> Audited:
    """The same, with what it rests on."""
    token = secrets.token_hex(6)
    outside = look_outside(host, probing)
    addresses = [str(r.address) for r in outside.replies if r.address and r.source_port]
    pages = () if probing.outside_only else asked(host, addresses, token, min(probing.timeout, _WEB_SECONDS))
    inside = looked(host, outside, Wanted(facts=FACTS, given={"token": token}), probing)
    if not probing.outside_only:
        seconds = min(probing.timeout, _WEB_SECONDS)
        pages += asked_besides(host, addresses, token, seconds, _web_ports(inside))
    return judged(host.name, outside, inside, pages)


def _web_ports(inside: Inside) -> tuple[int, ...]:
    ports: tuple[int, ...] = getattr(inside.views[0].facts["seen_requests"], "ports", ())
    return ports


def looked(host: Host, outside: Outside, wanted: Wanted, probing: ProbeOptions) -> Inside:
    """What ``host`` says; by another way in, where the first has another network than what bans."""
    inside = look_inside(host, outside, wanted, probing)
    if not _is_elsewhere(inside) or len(host.ways) < 2:
        return inside
    others = replace(host, ways=tuple(way for way in host.ways if way != inside.way))
    return look_inside(others, replace(outside, access=None), wanted, probing)


def _is_elsewhere(inside: Inside) -> bool:
    """The session is in a container, or another network, than what bans: another way in may see it."""
    return getattr(inside.views[0].facts["engines"], "elsewhere", False) is True


def judged(
    name: str,
    outside: Outside,
    inside: Inside,
    pages: Sequence[Asked],
    towards: Callable[[str], str | None] = source_towards,
) -> Audited:
    """What was seen, as the contract has it; ``towards`` gives this machine's address towards another."""
    facts: Mapping[str, Any] = inside.views[0].facts
    engines, guards = facts["engines"], facts["guards"]
    yours = your_addresses([view.client for view in inside.views], facts["addresses"], towards)
    seen = Protection(host=name, your_addresses=yours)
    if isinstance(engines, Unknown) or isinstance(guards, Unknown):
        cause = engines if isinstance(engines, Unknown) else guards
        unseen = replace(seen, why=(cause.reason,))
        return Audited(unseen, unseen, facts)
    reached = Reached(facts, engines, outside.replies, pages)
    guarding = Guarding(facts, engines, guards, outside.replies)

    def told(services: Sequence[str]) -> Protection:
        return _Sight(facts, guarding, reached, engines.elsewhere).told(seen, services)

    every_one = told(reached.services)
    alone = every_one if reached.services == ("ssh",) else told(("ssh",))
    return Audited(every_one, alone, facts, reached)


class _Sight:
    """What was seen of one host, service by service."""

    def __init__(
        self, facts: Mapping[str, Any], guarding: Guarding, reached: Reached, elsewhere: bool
    ) -> None:
        self._facts, self._guarding, self._reached, self._elsewhere = facts, guarding, reached, elsewhere
        self._why: list[str] = []

    def told(self, seen: Protection, asked: Sequence[str]) -> Protection:
        services = {name: self._guarding.of(name, self._reached.pages) for name in asked}
        noticed = {name: self._noticed(name, guards) for name, guards in services.items()}
        running = {name: any(g.of_service for g in guards) for name, guards in services.items()}
        real = every(self._real(name) for name in services)
        doors, stops, after = self._doors(services)
        guards = [guard for each in services.values() for guard in each]
        untold = self._guarding.untold
        banned, shuts_out = self._guarding.shuts_out
        shared, unshared = _shared(self._facts.get("share"))
        why = (*self._why, self._guarding.forgets, shuts_out, unshared)
        return replace(
            seen,
            engines=self._guarding.running,
            running=None if untold is not None and not all(running.values()) else all(running.values()),
            notices=every(noticed.values()),
            on=every(noticed.values()),
            attacks_blocked=self._guarding.blocked,
            banned_now=len({each for guard in guards for each in guard.book.held}),
            sees_real_addresses=real,
            bans_stop_packets=stops,
            doors=doors,
            allowed=_of_all([guard.allowed for guard in guards]),
            allowed_unresolved=_of_all([guard.unresolved for guard in guards]),
            owner_allowed={f: _is_allowed(seen, guards, f) for f in ("ipv4", "ipv6")},
            logins_it_would_have_banned=banned,
            after_next_failure=after if stops is not True else None,
            shared=shared,
            why=tuple(dict.fromkeys(filter(None, why))),
        )

    def _noticed(self, service: str, guards: Sequence[Guard]) -> bool | None:
        if not guards and (untold := self._guarding.untold) is not None:
            self._why.append(f"what bans does not tell of itself: {untold.reason}")
            return None
        values = [guard.notices[0] for guard in guards]
        found = True if True in values else None if None in values else False
        if found is not True:
            self._why += [guard.notices[1] for guard in guards] or [self._guarding.nothing(service)]
        return found

    def _real(self, service: str) -> bool | None:
        value, why = self._reached.sees_real(service)
        self._why.append(why)
        return value

    def _doors(
        self, services: Mapping[str, Sequence[Guard]]
    ) -> tuple[tuple[Door, ...], bool | None, bool | None]:
        """The doors, whether a ban closes them now, and after the next failure. The families count in which
        somebody is banned; all of them, where nobody is."""
        if not any(services.values()):
            unknown = None if self._guarding.untold is not None else False
            return (), unknown, unknown
        firewall, addresses = self._facts["firewall"], self._facts["addresses"]
        readable = firewall if isinstance(firewall, Unknown) else firewall.readable
        apart = Unknown("what bans has another network than the session of this login: name another way in")
        for cause in (readable, addresses, apart if self._elsewhere else None):
            if isinstance(cause, Unknown):
                self._why.append(f"bans_stop_packets: {cause.reason}")
                return (), None, None
        doors: list[Door] = []
        counted: list[tuple[bool | None, bool | None]] = []
        for name, guards in services.items():
            noticing = [guard for guard in guards if guard.notices[0]] or guards
            audit = Audit(firewall, [g.book for g in noticing], self._reached.unanswered(name))
            held = {family_of(each) for guard in noticing for each in guard.book.held}
            past = self._reached.proxied(name)
            elsewhere = None if any(guard.book.elsewhere for guard in noticing) else False
            for way in self._reached.ways(name):
                now, then = audit.door(way), audit.after(way)
                if past and now.stops_new is True:
                    now = then = replace(now, stops_new=elsewhere, stops_established=elsewhere)
                    audit.why.append(_PROXIED.format(way.packet.destination_port))
                doors.append(now)
                if not held or way.packet.family in held:
                    counted.append((now.closes, then.closes))
                if now.stops_new and now.closes is False:
                    audit.why.append(_GOES_ON.format(now.port))
            self._why += audit.why
        return tuple(doors), every(now for now, _ in counted), every(then for _, then in counted)


def _shared(share: Any) -> tuple[dict[str, int] | None, str]:
    """How many are dropped for other hosts, by service, and what is wrong with that."""
    if not isinstance(share, Share) or not share.set_up:
        return None, f"shared: {share.reason}" if isinstance(share, Unknown) else ""
    gone = "the table of `protect --share` is not loaded (a reboot?): its next round loads it"
    return dict(share.held), "" if share.loaded else gone


_PROXIED = (
    "visitors come to port {} through a proxy: they are banned by their own address, and the packets are the "
    "proxy's, which no rule for that address stops. An action that bans in the web server or at the proxy"
)
_GOES_ON = (
    "who is banned goes on over the connection that stands at port {}: what is ESTABLISHED is let in before "
    "the ban. kill-mode (ss, conntrack), or the ban first"
)


def _of_all(lists: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """What stands in every list, in the order of the first."""
    return tuple(each for each in lists[0] if all(each in other for other in lists)) if lists else ()


def _is_allowed(seen: Protection, guards: Sequence[Guard], family: str) -> bool | None:
    """Whether all of your addresses of the family are let pass by all; None if none is known."""
    mine = [each for each in seen.your_addresses if family_of(each) == family]
    if not mine or not guards:
        return None
    return every(_passes(guard, ip_address(one)) for guard in guards for one in mine)


def _passes(guard: Guard, one: Any) -> bool | None:
    networks = (ip_network(each, strict=False) for each in guard.allowed if is_network(each))
    if any(one.version == network.version and one in network for network in networks):
        return True
    return None if guard.open_list else False
