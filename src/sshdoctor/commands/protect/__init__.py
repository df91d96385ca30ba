"""The command ``protect``: protection against guessed passwords, under guard, with its owner allowed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from sshdoctor.commands.protect.never import named_playbook, never
from sshdoctor.commands.shared import exit_codes
from sshdoctor.commands.shared.changes import ChangeOptions, agree, choice_of, work_on_each
from sshdoctor.commands.shared.options import Options, probe_options
from sshdoctor.diagnosis.pipeline import Diagnosis
from sshdoctor.errors import UsageError
from sshdoctor.inventory import complete
from sshdoctor.model import Host, HostReport
from sshdoctor.remedy.setup import RepairSetup

if TYPE_CHECKING:
    from sshdoctor.diagnosis.outside import ProbeOptions

_ON, _ALLOW, _OFF = "protect-logins", "allow-addresses", ("unprotect-logins", "unshare-bans")
_SETTLED = "It is protected, and you are allowed: there is nothing to change."
_NOTHING_TO_TAKE = "Nothing that `protect` set up is here: there is nothing to take away."


def run(options: Options, wish: ChangeOptions, *, off: bool, share: bool = False, every: str = "") -> int:
    """Set up protection on the hosts of ``options``, or take it away; or share bans. Raises UsageError."""
    if share:
        from sshdoctor.commands.protect.share import run_share

        return run_share(options, wish, off=off, every=every)
    if every:
        raise UsageError("--every is for --share")
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
    from sshdoctor.remedy.named import Named, run_named

    asked, choice = partial(agree, wish=wish), choice_of(wish)
    named: list[Named] = [(named_playbook(options, name), {}) for name in _OFF]
    return run_named(host, before, setup, choice, asked, named=named, settled=_NOTHING_TO_TAKE)


def _set_up(
    host: Host, before: Diagnosis, setup: RepairSetup, options: Options, wish: ChangeOptions
) -> HostReport:
    from sshdoctor.protection.audit import audited
    from sshdoctor.protection.policy import Policy, policy
    from sshdoctor.remedy.named import refused, run_named

    probing, choice, asked = probe_options(options), choice_of(wish), partial(agree, wish=wish)
    playbook = named_playbook(options, _ON)
    if before.inside.access is None or host.managed:  # says why nothing can be done
        return run_named(host, before, setup, choice, asked, named=[(playbook, {})])
    whole = complete(host)
    seen = audited(whole, probing)
    package = before.facts[0].get("package")
    also, unknown = never(whole, options)
    wanted: Policy = policy(seen, also, getattr(package, "manager", ""), unknown)
    if wanted.refused:
        return refused(host, before, wanted.refused)
    sites = bool(wanted.variables["protect_site_logs"])
    now = seen.told if sites else seen.logins
    named = [(playbook, wanted.variables)]
    if wanted.listed:
        named.append((named_playbook(options, _ALLOW), {"allow_addresses": list(wanted.listed)}))
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
