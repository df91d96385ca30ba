"""The command ``protect``: protection against guessed passwords, under guard, with its owner allowed."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from sshdoctor.commands.shared import exit_codes
from sshdoctor.commands.shared.changes import ChangeOptions, agree, choice_of, work_on_each
from sshdoctor.commands.shared.options import Options, probe_options
from sshdoctor.diagnosis.pipeline import Diagnosis
from sshdoctor.inventory import complete, load_hosts
from sshdoctor.inventory.folders import playbook_folders
from sshdoctor.model import Host, HostReport
from sshdoctor.remedy.setup import RepairSetup

if TYPE_CHECKING:
    from sshdoctor.diagnosis.outside import ProbeOptions
    from sshdoctor.remedy.playbook.model import Playbook

_ON, _OFF, _ALLOW = "protect-logins", "unprotect-logins", "allow-addresses"
_SETTLED = "It is protected, and you are allowed: there is nothing to change."
_NOTHING_TO_TAKE = "Nothing that `protect` set up is here: there is nothing to take away."


def run(options: Options, wish: ChangeOptions, *, off: bool) -> int:
    """Set up protection on the hosts of ``options``, or take it away. Raises UsageError."""
    work = partial(_taken_away if off else _set_up, options=options, wish=wish)
    return work_on_each(options, work, wish, exit_code)


def exit_code(reports: Sequence[HostReport]) -> int:
    """As of any remedy; 1 where the protection stays off, and 0 where nothing was left to do."""
    return max((_of_one(report) for report in reports), default=0)


def _of_one(report: HostReport) -> int:
    outcome = report.repair.outcome if report.repair else "no-remedy"
    known = {"nothing-to-do": 0, "no-remedy": 1, "managed": 1}
    return known[outcome] if outcome in known else exit_codes.of_repairs([report])


def _taken_away(
    host: Host, before: Diagnosis, setup: RepairSetup, options: Options, wish: ChangeOptions
) -> HostReport:
    from sshdoctor.remedy.named import run_named

    asked, playbook = partial(agree, wish=wish), _playbook(options, _OFF)
    choice = choice_of(wish)
    return run_named(host, before, setup, choice, asked, named=[(playbook, {})], settled=_NOTHING_TO_TAKE)


def _set_up(
    host: Host, before: Diagnosis, setup: RepairSetup, options: Options, wish: ChangeOptions
) -> HostReport:
    from sshdoctor.protection.audit import audited
    from sshdoctor.protection.policy import Policy, policy
    from sshdoctor.remedy.named import refused, run_named

    probing, choice, asked = probe_options(options), choice_of(wish), partial(agree, wish=wish)
    playbook = _playbook(options, _ON)
    if before.inside.access is None or host.managed:  # says why nothing can be done
        return run_named(host, before, setup, choice, asked, named=[(playbook, {})])
    whole = complete(host)
    seen = audited(whole, probing)
    package = before.facts[0].get("package")
    others = {name: tuple(_addresses(name)) for name in _others(whole, options)}
    also = dict.fromkeys(address for each in others.values() for address in each)
    unknown = [name for name, addresses in others.items() if not addresses]
    wanted: Policy = policy(seen, tuple(also), getattr(package, "manager", ""), unknown)
    if wanted.refused:
        return refused(host, before, wanted.refused)
    sites = bool(wanted.variables["protect_site_logs"])
    now = seen.told if sites else seen.logins
    named = [(playbook, wanted.variables)]
    if wanted.listed:
        named.append((_playbook(options, _ALLOW), {"allow_addresses": list(wanted.listed)}))
    return run_named(
        host,
        before,
        setup,
        choice,
        asked,
        named=named,
        forecast=wanted.told,
        settled=_SETTLED if now.works and not wanted.missing else "",
        prove=partial(_unproved, whole, probing, sites=sites),
    )


def _unproved(host: Host, probing: ProbeOptions, *, sites: bool) -> str:
    """Why the protection of logins, and of the ``sites``, does not work, by its own audit; "" if it does."""
    from sshdoctor.protection.audit import audited

    seen = audited(host, probing)
    found = seen.told if sites else seen.logins
    if found.works and all(value is not False for value in found.owner_allowed.values()):
        return ""
    return "; ".join(found.why) or "you would be banned as well"


def _playbook(options: Options, name: str) -> Playbook:
    from sshdoctor.remedy.playbook.load import load_playbook

    folders = reversed(playbook_folders(options.sources))
    return load_playbook(next(each for folder in folders for each in folder.glob(f"{name}.yml")))


def _others(host: Host, options: Options) -> Iterator[str]:
    """The names of who else is never banned: jump hosts on the ways in, and the inventory's witnesses."""
    logins = [login for login in (host.login, *(way.login for way in host.ways)) if login is not None]
    yield from (_name(jump) for login in logins for jump in login.jumps)
    if options.sources:
        witnesses = (one for one in load_hosts("all", options.sources, os.environ) if one.vantage)
        yield from (one.login.address for one in map(complete, witnesses) if one.name != host.name)


def _name(jump: str) -> str:
    """
    >>> _name("deploy@198.51.100.1:2222"), _name("[2001:db8::1]:22"), _name("gate")
    ('198.51.100.1', '2001:db8::1', 'gate')
    """
    place = jump.rpartition("@")[2]
    if place.startswith("["):
        return place[1:].partition("]")[0]
    return place.partition(":")[0] if place.count(":") == 1 else place


def _addresses(name: str) -> Iterator[str]:
    """Those of a name, by this machine's resolver; none where it does not know it."""
    with suppress(OSError, UnicodeError):
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        yield from dict.fromkeys(str(each[4][0]).partition("%")[0] for each in found)
