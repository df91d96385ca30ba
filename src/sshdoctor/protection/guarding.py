"""Who guards which service of a host, and whether each notices what it should."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.facts.host.firewall import Firewall
from sshdoctor.facts.protection.engines import Engines, Jail
from sshdoctor.facts.protection.guards import Crowdsec, Guards, Sshguard
from sshdoctor.model import Reply, Unknown, is_network
from sshdoctor.protection import notice, notice_others
from sshdoctor.protection.books import Book, of_crowdsec, of_jail, of_sshd, of_sshguard
from sshdoctor.protection.notice import Said
from sshdoctor.protection.pages import Asked
from sshdoctor.protection.wrapping import Wrapping


class Guard(Struct, frozen=True):
    """One that guards a service: whether it ``notices``, the ``book`` of its bans, whom it lets pass;
    ``unresolved``: by a name that the host does not know, or a program. ``open_list``: one of these may let
    others pass as well. ``of_service``: it is there for this one."""

    notices: Said
    book: Book
    allowed: tuple[str, ...]
    unresolved: tuple[str, ...] = ()
    open_list: bool = False
    of_service: bool = True


class Guarding:
    """The engines of one host, by what it says of them and what a client got of it."""

    def __init__(
        self, facts: Mapping[str, Any], engines: Engines, guards: Guards, replies: Sequence[Reply]
    ) -> None:
        self._engines, self._seen, self._replies = engines, facts["seen_requests"], replies
        self._firewall: Firewall | Unknown = facts["firewall"]
        self._own = getattr(facts["addresses"], "all_addresses", ())
        self._sshguard = guards.sshguard if isinstance(guards.sshguard, Sshguard) else None
        self._crowdsec = guards.crowdsec if isinstance(guards.crowdsec, Crowdsec) else None
        self._jails = () if isinstance(engines.jails, Unknown) else engines.jails
        self._wrapping = Wrapping(facts["wrappers"])
        self._unkept = notice.unkept(engines, replies)
        untold = (guards.sshguard, guards.crowdsec, engines.jails)
        self.untold = next((each for each in untold if isinstance(each, Unknown)), None)
        """Why one of them could not be asked."""

    def of(self, service: str, pages: Sequence[Asked]) -> list[Guard]:
        found = list(self._of_ssh() if service == "ssh" else self._of_web(pages))
        return found or [self._of_another(service, jail) for jail in self._jails]

    def _of_another(self, service: str, jail: Jail) -> Guard:
        """A jail that is there for something else: whom it bans may be stopped here, too."""
        said = (False, self.nothing(service))
        return replace(self._of_jail(jail, said, service), of_service=False)

    def _of_ssh(self) -> Iterator[Guard]:
        for jail in self._jails:
            if "ssh" in jail.samples or jail.hits:
                dialled = any(reply.source_port for reply in self._replies)
                said = notice.notices(self._engines, jail, self._own, dialled=dialled)
                said = said if jail.logpath else self._unkept or said
                yield self._of_jail(jail, said, "ssh")
        tools = self._engines.tools
        if (guard := self._sshguard) and guard.running:
            said = notice_others.noticed_by_sshguard(guard, self._engines)
            said = self._unkept or said if "journalctl" in guard.settings.get("LOGREADER", "") else said
            book = of_sshguard(guard, self._firewall, tools, powerless=self._is_powerless("sshg-fw"))
            yield Guard(said, book, guard.allowed)
        if (crowdsec := self._crowdsec) and crowdsec.running:
            said = notice_others.noticed_by_crowdsec(crowdsec, self._engines)
            said = self._unkept or said if _reads_journal(crowdsec) else said
            yield Guard(said, self._of_crowdsec(crowdsec), crowdsec.allowed)
        if self._engines.penalizes and self._alone():
            yield Guard((True, ""), of_sshd(), self._engines.exempt)

    def _alone(self) -> bool:
        """Nothing is installed that bans: sshd's own penalties are what there is."""
        return self._engines.fail2ban == "absent" and not self._sshguard and not self._crowdsec

    def _of_web(self, pages: Sequence[Asked]) -> Iterator[Guard]:
        reading = notice.reading(self._jails, self._seen)
        said = notice.notices_guesses(reading, pages)
        ports = {str(each.port) for each in pages} | {"http", "https"}
        others = [jail for jail in self._jails if ports & _ports_of(jail)]
        for jail in reading or others:
            uncounted = notice.requests_uncounted(self._engines, jail, self._seen, self._own)
            yield self._of_jail(jail, uncounted or said, "web")
        if (crowdsec := self._crowdsec) and crowdsec.running:
            said = notice_others.guesses_noticed_by_crowdsec(crowdsec)
            yield Guard(said, self._of_crowdsec(crowdsec), crowdsec.allowed)

    def _of_crowdsec(self, crowdsec: Crowdsec) -> Book:
        powerless = self._is_powerless("crowdsec-firewa")  # as a process may be called: 15 characters
        return of_crowdsec(crowdsec, self._firewall, self._engines.tools, powerless=powerless)

    def _is_powerless(self, program: str) -> bool:
        return any(each.startswith(program) for each in self._engines.powerless)

    def _of_jail(self, jail: Jail, said: Said, service: str) -> Guard:
        fixed = tuple(each for each in jail.ignoreip if is_network(each))
        fixed += tuple(each for found in jail.resolved.values() for each in found or ())
        named = [each for each in jail.ignoreip if not is_network(each) and not jail.resolved.get(each)]
        may_pass = any(jail.resolved.get(each) is None for each in named) or bool(jail.ignorecommand)
        if jail.ignorecommand:
            named.append(f"ignorecommand {jail.ignorecommand.split()[0]}")
        book = of_jail(
            jail,
            self._engines.tools,
            wrapped=self._wrapping if self._wrapping.asked and service == "ssh" else None,
            web=service == "web",
            powerless=self._is_powerless("fail2ban-server"),
        )
        return Guard(said, book, fixed, tuple(named), may_pass)

    @property
    def running(self) -> tuple[str, ...]:
        """The engines that run, in the contract's words."""
        found = {
            "fail2ban": self._engines.fail2ban == "running",
            "sshguard": self._sshguard is not None and self._sshguard.running,
            "crowdsec": self._crowdsec is not None and self._crowdsec.running,
            "sshd": self._engines.penalizes,
        }
        return tuple(name for name, runs in found.items() if runs)

    @property
    def blocked(self) -> int | None:
        """How many attacks were blocked, as far as the logs reach; None if one that runs does not tell."""
        told = self._engines.blocked
        if isinstance(told, Unknown) and self._engines.fail2ban == "running":
            return None
        counts = [] if isinstance(told, Unknown) else [told]
        counts += [self._sshguard.blocked] if self._sshguard else []
        counts += [self._crowdsec.alerts] if self._crowdsec and self._crowdsec.alerts is not None else []
        return sum(counts) if counts else None

    def nothing(self, service: str) -> str:
        """Why nothing guards ``service``, and the cure."""
        if self._engines.fail2ban == "stopped":
            lines = self._engines.refused.splitlines() or [""]
            refused = next((line for line in lines if " ERROR " in line), lines[0])
            cure = ". apt install python3-systemd" if "No module named 'systemd'" in refused else ""
            return f"fail2ban is installed and does not run: {refused}{cure}"
        if self._engines.fail2ban == "running":
            names = ", ".join(jail.name for jail in self._jails) or "none"
            web = "a jail with a filter for POST to wp-login.php and xmlrpc.php"
            cure = "[sshd] enabled = true" if service == "ssh" else web
            return f"no jail of fail2ban has a filter for {service} (jails: {names}). {cure}"
        if self._crowdsec and not self._crowdsec.running:
            return "CrowdSec is installed and does not run: systemctl enable --now crowdsec"
        return "nothing that bans who guesses passwords runs here: apt install fail2ban"

    @property
    def shuts_out(self) -> tuple[int | None, str]:
        """How many logins that succeeded lately the jails would have banned; why that is wrong, "" if none.

        None where there is no login to tell by.
        """
        told = [jail.logins for jail in self._jails if jail.logins[0]]
        if not told:
            return None, ""
        logins, banned, seconds = max(told, key=lambda each: each[1])
        if not banned:
            return 0, ""
        time = "for ever" if seconds < 0 else f"for {max(1, seconds // 60)} minutes"
        return banned, (
            f"{banned} of {logins} logins that succeeded in three weeks came from addresses that this policy "
            f"would have banned {time} just before: `allow` those that are yours; publickey = nofail, mode = "
            "normal, and a MaxAuthTries above the keys of an agent"
        )

    @property
    def forgets(self) -> str:
        """What a restart would undo, "" if nothing."""
        unheard = self._engines.fail2ban != "running" or isinstance(self._engines.jails, Unknown)
        if unheard or self._engines.dbfile not in ("", "None"):
            return ""
        return "fail2ban keeps no database (dbfile = None): a restart lets all who are banned in again"


def _reads_journal(crowdsec: Crowdsec) -> bool:
    return any("journalctl" in each.text for each in crowdsec.sources)


def _ports_of(jail: Jail) -> set[str]:
    ports = (each.get("port", "").replace(" ", "").split(",") for each in jail.actions.values())
    return {word for words in ports for word in words}
