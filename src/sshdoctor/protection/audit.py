"""The audit of one host: looked at from outside and inside, once, and what both come to."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_address, ip_network
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.diagnosis.inside import Inside, look_inside
from sshdoctor.diagnosis.outside import Outside, ProbeOptions, look_outside
from sshdoctor.diagnosis.setup import Wanted
from sshdoctor.facts.host.addresses import Addresses
from sshdoctor.facts.host.firewall import Firewall
from sshdoctor.facts.parsing.sockets import Listener, Listeners
from sshdoctor.facts.protection.engines import Engines, Jail
from sshdoctor.facts.protection.guards import Crowdsec, Guards, Sshguard
from sshdoctor.facts.protection.seen_requests import SeenRequests
from sshdoctor.model import Family, Host, Unknown
from sshdoctor.protection import notice
from sshdoctor.protection.books import Book, of_crowdsec, of_jail, of_sshguard
from sshdoctor.protection.doors import Audit, Way, behind, outer, ways
from sshdoctor.protection.notice import Said
from sshdoctor.protection.pages import Asked, asked
from sshdoctor.protection.state import Door, Protection, every

FACTS = ("addresses", "engines", "firewall", "guards", "identity", "listeners", "seen_requests")
_WEB_SECONDS = 3


def protection(host: Host, probing: ProbeOptions) -> Protection:
    """What guards ``host``, and whether it does."""
    token = secrets.token_hex(6)
    outside = look_outside(host, probing)
    addresses = [str(r.address) for r in outside.replies if r.address and r.source_port]
    pages = () if probing.outside_only else asked(host, addresses, token, min(probing.timeout, _WEB_SECONDS))
    wanted = Wanted(facts=FACTS, given={"token": token})
    return judged(host.name, outside, looked(host, outside, wanted, probing), pages)


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


def source_towards(address: str) -> str | None:
    """This machine's own address towards another, None if there is no route; no packet is sent for it."""
    kind = socket.AF_INET6 if ":" in address else socket.AF_INET
    with suppress(OSError), socket.socket(kind, socket.SOCK_DGRAM) as asking:
        asking.connect((address, 9))
        return str(asking.getsockname()[0])
    return None


def judged(
    name: str,
    outside: Outside,
    inside: Inside,
    pages: Sequence[Asked],
    towards: Callable[[str], str | None] = source_towards,
) -> Protection:
    """What was seen, as the contract has it; ``towards`` gives this machine's address towards another."""
    facts = inside.views[0].facts
    yours = {str(ip_address(view.client)) for view in inside.views if view.client}
    engines, guards = facts["engines"], facts["guards"]
    if not isinstance(facts["addresses"], Unknown):
        yours |= set(_other_family(yours, facts["addresses"], towards))
    seen = Protection(host=name, your_addresses=tuple(sorted(yours, key=lambda each: (":" in each, each))))
    if isinstance(engines, Unknown) or isinstance(guards, Unknown):
        cause = engines if isinstance(engines, Unknown) else guards
        return replace(seen, why=(cause.reason,))  # type: ignore[attr-defined]  # one of both is
    return _Sight(outside, facts, engines, guards, pages).told(seen)


def _other_family(
    yours: set[str], addresses: Addresses, towards: Callable[[str], str | None]
) -> Iterator[str]:
    """This machine's address in a family that was not dialled, unless it is translated on the way."""
    for family in ("ipv4", "ipv6"):
        there = outer(family, addresses)
        if there is None or any((":" in each) == (family == "ipv6") for each in yours):
            continue
        here = towards(there)
        if here and ip_address(here).is_global == ip_address(there).is_global:
            yield here


class _Guard(Struct, frozen=True):
    """One that guards a service: whether it ``notices``, the ``book`` of its bans, whom it lets pass."""

    notices: Said
    book: Book
    allowed: tuple[str, ...]
    unresolved: tuple[str, ...] = ()


class _Sight:
    """What was seen of one host, service by service."""

    def __init__(
        self,
        outside: Outside,
        facts: Mapping[str, Any],
        engines: Engines,
        guards: Guards,
        pages: Sequence[Asked],
    ) -> None:
        self._outside, self._facts, self._engines = outside, facts, engines
        self._pages = tuple(pages) or tuple(_guessed_pages(facts["seen_requests"], outside))
        self._firewall: Firewall | Unknown = facts["firewall"]
        self._sshguard = guards.sshguard if isinstance(guards.sshguard, Sshguard) else None
        self._crowdsec = guards.crowdsec if isinstance(guards.crowdsec, Crowdsec) else None
        self._jails = () if isinstance(engines.jails, Unknown) else engines.jails
        self._why: list[str] = []

    def told(self, seen: Protection) -> Protection:
        services: dict[str, list[_Guard]] = {}
        listeners = self._facts["listeners"]
        own = () if isinstance(listeners, Unknown) or isinstance(listeners.own, Unknown) else listeners.own
        if own or self._outside.replies:
            services["ssh"] = list(self._of_ssh())
        if self._pages:
            services["web"] = list(self._of_web())
        noticed = {name: _any(guard.notices for guard in guards) for name, guards in services.items()}
        running = {name: bool(guards) for name, guards in services.items()}
        for name, guards in services.items():
            if noticed[name] is not True:
                self._why += [guard.notices[1] for guard in guards] or [self._nothing(name)]
        real = every(self._real(name) for name in services)
        doors, stops, after = self._doors(services)
        every_guard = [guard for guards in services.values() for guard in guards]
        allowed, unresolved = _allowed(every_guard)
        return replace(
            seen,
            engines=tuple(self._running()),
            running=all(running.values()) if running else None,
            notices=every(noticed.values()),
            on=every(noticed.values()),
            attacks_blocked=self._blocked(),
            banned_now=len({each for guard in every_guard for each in guard.book.held}),
            sees_real_addresses=real,
            bans_stop_packets=stops,
            doors=doors,
            allowed=allowed,
            allowed_unresolved=unresolved,
            owner_allowed={f: _is_allowed(seen, every_guard, f) for f in ("ipv4", "ipv6")},
            after_next_failure=after if stops is not True else None,
            why=tuple(dict.fromkeys(text for text in (*self._why, self._forgets()) if text)),
        )

    # who guards

    def _of_ssh(self) -> Iterator[_Guard]:
        for jail in self._jails:
            if "ssh" in jail.samples or jail.hits:
                said = notice.notices(self._engines, jail, self._own(), dialled=self._dialled())
                yield self._of_jail(jail, said)
        yield from self._of_others()

    def _own(self) -> tuple[str, ...]:
        addresses = self._facts["addresses"]
        return () if isinstance(addresses, Unknown) else addresses.all_addresses

    def _dialled(self) -> bool:
        return any(reply.source_port for reply in self._outside.replies)

    def _of_web(self) -> Iterator[_Guard]:
        reading = notice.reading(self._jails, self._facts["seen_requests"])
        said = notice.notices_guesses(reading, self._pages)
        ports = {str(each.port) for each in self._pages} | {"http", "https"}
        others = [jail for jail in self._jails if ports & _ports_of(jail)]
        for jail in reading or others:
            yield self._of_jail(jail, said)

    def _of_jail(self, jail: Jail, said: Said) -> _Guard:
        fixed, named = [], []
        for each in jail.ignoreip:
            (fixed if _is_network(each) else named).append(each)
        if jail.ignorecommand:
            named.append(f"ignorecommand {jail.ignorecommand.split()[0]}")
        return _Guard(said, of_jail(jail, self._engines.tools), tuple(fixed), tuple(named))

    def _of_others(self) -> Iterator[_Guard]:
        tools = self._engines.tools
        if (guard := self._sshguard) and guard.running:
            said = notice.noticed_by_sshguard(guard, self._engines)
            yield _Guard(said, of_sshguard(guard, self._firewall, tools), guard.allowed)
        if (crowdsec := self._crowdsec) and crowdsec.running:
            said = notice.noticed_by_crowdsec(crowdsec, self._engines)
            yield _Guard(said, of_crowdsec(crowdsec, self._firewall, tools), crowdsec.allowed)

    def _running(self) -> Iterator[str]:
        if self._engines.fail2ban == "running":
            yield "fail2ban"
        if self._sshguard and self._sshguard.running:
            yield "sshguard"
        if self._crowdsec and self._crowdsec.running:
            yield "crowdsec"
        if self._engines.penalties not in ("", "no"):
            yield "sshd"

    def _nothing(self, service: str) -> str:
        """Why nothing guards ``service``, and the cure."""
        if self._engines.fail2ban == "stopped":
            refused = self._engines.refused.partition("\n")[0]
            return f"fail2ban is installed and does not run: {refused}"
        if self._engines.fail2ban == "running":
            if isinstance(self._engines.jails, Unknown):
                return f"fail2ban's server does not tell of its jails: {self._engines.jails.reason}"
            names = ", ".join(jail.name for jail in self._jails) or "none"
            cure = (
                "[sshd] enabled = true" if service == "ssh" else "a jail with a filter for POST /wp-login.php"
            )
            return f"no jail of fail2ban has a filter for {service} (jails: {names}). {cure}"
        if self._crowdsec and not self._crowdsec.running:
            return "CrowdSec is installed and does not run: systemctl enable --now crowdsec"
        return "nothing that bans who guesses passwords runs here: sshdoctor protect, or apt install fail2ban"

    def _blocked(self) -> int | None:
        counts = [] if isinstance(self._engines.blocked, Unknown) else [self._engines.blocked]
        counts += [self._sshguard.blocked] if self._sshguard else []
        counts += [self._crowdsec.alerts] if self._crowdsec and self._crowdsec.alerts is not None else []
        return sum(counts) if counts else None

    def _forgets(self) -> str:
        if self._engines.fail2ban != "running" or self._engines.dbfile not in ("", "None"):
            return ""
        return "fail2ban keeps no database (dbfile = None): a restart lets all who are banned in again"

    # what is seen, and what is stopped

    def _real(self, service: str) -> bool | None:
        if service == "ssh":
            value, why = notice.sees_real(self._engines, self._outside.replies, self._own())
        else:
            value, why = notice.sees_real_requests(self._pages, self._facts["seen_requests"])
        self._why.append(why)
        return value

    def _doors(
        self, services: Mapping[str, Sequence[_Guard]]
    ) -> tuple[tuple[Door, ...], bool | None, bool | None]:
        firewall, addresses = self._firewall, self._facts["addresses"]
        if not any(services.values()):
            return (), False, False
        readable = firewall if isinstance(firewall, Unknown) else firewall.readable
        apart = Unknown("what bans has another network than the session of this login: name another way in")
        for cause in (readable, addresses, apart if self._engines.elsewhere else None):
            if isinstance(cause, Unknown):
                self._why.append(f"bans_stop_packets: {cause.reason}")
                return (), None, None
        doors: list[Door] = []
        stopped: list[bool | None] = []
        after: list[bool | None] = []
        for name, guards in services.items():
            audit = Audit(firewall, [guard.book for guard in guards])  # type: ignore[arg-type]  # Unknown was left
            held = {_family(each) for guard in guards for each in guard.book.held}
            for way in self._ways(name, addresses):
                now, then = audit.door(way), audit.after(way)
                doors.append(now)
                if not held or way.packet.family in held:
                    stopped.append(_holds(now))
                    after.append(_holds(then))
                if now.stops_new and _holds(now) is False:
                    audit.why.append(
                        f"who is banned goes on over the connection that stands at port {now.port}: what is "
                        "ESTABLISHED is let in before the ban. kill-mode (ss, conntrack), or the ban first"
                    )
            self._why += audit.why
        return tuple(doors), every(stopped), every(after)

    def _ways(self, service: str, addresses: Addresses) -> Iterator[Way]:
        listeners = self._facts["listeners"]
        if service == "ssh":
            met = {(r.family, r.port): r.address for r in self._outside.replies if r.source_port and r.family}
            own = (
                () if isinstance(listeners, Unknown) or isinstance(listeners.own, Unknown) else listeners.own
            )
            there = outer("ipv4", addresses)
            if isinstance(self._firewall, Firewall) and there:
                met |= {("ipv4", port): there for port in behind(self._firewall) if ("ipv4", port) not in met}
            yield from ways(service, met, own, addresses)  # type: ignore[arg-type]  # those that answered have an address
            return
        pages = {(_family(each.address), each.port): each.address for each in self._pages}
        ports = {each.port for each in self._pages}
        sockets: Sequence[Listener] = listeners.sockets if isinstance(listeners, Listeners) else ()
        yield from ways(service, pages, [each for each in sockets if each.port in ports], addresses)


def _guessed_pages(seen: SeenRequests | Unknown, outside: Outside) -> Iterator[Asked]:
    """Pages that do not answer us (who are banned, perhaps), and have answered others who guessed."""
    if isinstance(seen, Unknown):
        return
    address = next((str(reply.address) for reply in outside.replies if reply.source_port), "")
    for page in dict.fromkeys(page for page, _ in seen.guessed):
        for port in seen.ports if address else ():
            yield Asked(page=page, address=address, port=port, source="")


def _family(address: str) -> Family:
    return "ipv6" if ":" in address else "ipv4"


def _holds(door: Door) -> bool | None:
    """Over one connection to a site passwords can be guessed without an end; sshd ends it after a few."""
    if door.service == "ssh" or door.stops_new is not True:
        return door.stops_new
    return door.stops_established


def _ports_of(jail: Jail) -> set[str]:
    return {
        word for each in jail.actions.values() for word in each.get("port", "").replace(" ", "").split(",")
    }


def _any(said: Iterator[Said]) -> bool | None:
    values = [value for value, _ in said]
    return True if True in values else None if None in values else False


def _allowed(guards: Sequence[_Guard]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What every one lets pass: addresses and networks, and names, which hang on a resolver."""
    if not guards:
        return (), ()
    common = [each for each in guards[0].allowed if all(each in guard.allowed for guard in guards)]
    named = [each for each in guards[0].unresolved if all(each in guard.unresolved for guard in guards)]
    return tuple(common), tuple(named)


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _is_allowed(seen: Protection, guards: Sequence[_Guard], family: str) -> bool | None:
    """Whether all of your addresses of the family are let pass by all; None if none is known."""
    mine = [each for each in map(ip_address, seen.your_addresses) if f"ipv{each.version}" == family]
    if not mine or not guards:
        return None
    return every(_passes(guard, one) for guard in guards for one in mine)


def _passes(guard: _Guard, one: Any) -> bool | None:
    networks = (ip_network(each, strict=False) for each in guard.allowed if _is_network(each))
    if any(one.version == network.version and one in network for network in networks):
        return True
    return None if guard.unresolved else False
