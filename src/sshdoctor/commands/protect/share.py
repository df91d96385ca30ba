"""``protect --share``: what looks up the bans of others is set up on each host, and then they are given."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from functools import partial

from sshdoctor.commands.protect import exit_code
from sshdoctor.commands.protect.never import addresses_of, named_playbook, never
from sshdoctor.commands.protect.rounds import Given, one_round
from sshdoctor.commands.shared import exit_codes
from sshdoctor.commands.shared.changes import ChangeOptions, agree, choice_of, work_on_each
from sshdoctor.commands.shared.options import Options, hosts_of, jobs_of, number, probe_options
from sshdoctor.diagnosis.pipeline import Diagnosis
from sshdoctor.errors import UsageError
from sshdoctor.inventory import complete
from sshdoctor.model import Host, HostReport
from sshdoctor.protection.audit import audited
from sshdoctor.protection.share_policy import share_policy
from sshdoctor.remedy.named import Named, refused, run_named
from sshdoctor.remedy.setup import RepairSetup
from sshdoctor.reports.layout.printable import printable

_SETTLED = "The bans of others are looked up here: there is nothing to set up."
_NOTHING_TO_TAKE = "Nothing that `protect --share` set up is here: there is nothing to take away."


def run_share(options: Options, wish: ChangeOptions, *, off: bool, every: str) -> int:
    """Set sharing up on the hosts of ``options``, or take it away; then give the bans. Raises UsageError."""
    seconds = number("--every", every, 5, 86400) if every else 0.0
    if off:
        return work_on_each(options, partial(_taken_away, options=options, wish=wish), wish, exit_code)
    hosts = [complete(host) for host in hosts_of(options)]
    if len(hosts) < 2:
        raise UsageError(f"--share: --host {options.pattern} means one host, and there is nobody to give to")
    group = [address for host in hosts for address in addresses_of(host.login.address)]
    work = partial(_set_up, options=options, wish=wish, group=group)
    code = work_on_each(options, work, wish, exit_code)
    if wish.check:
        return code
    spared = [*group, *(address for host in hosts for address in never(host, options)[0])]
    given_round = partial(one_round, hosts, spared, probe_options(options), jobs_of(options))
    given = given_round()
    _tell(given, options)
    while seconds:
        time.sleep(seconds)
        before, given = given, given_round()
        if given != before:
            _tell(given, options)
    undecided = any(one.why for one in given)
    return max(code, exit_codes.UNDECIDED if undecided else 0)


def _tell(given: Sequence[Given], options: Options) -> None:
    """To the person, beside the report: numbers alone, as of bans in general."""
    for one in given:
        if one.why or not options.quiet:
            what = (
                f"nothing was given: {one.why}" if one.why else f"drops {one.count} that others have banned"
            )
            print(printable(f"{one.host}: {what}"), file=sys.stderr, flush=True)


def _taken_away(
    host: Host, before: Diagnosis, setup: RepairSetup, options: Options, wish: ChangeOptions
) -> HostReport:
    named: list[Named] = [(named_playbook(options, "unshare-bans"), {})]
    choice, asked = choice_of(wish), partial(agree, wish=wish)
    return run_named(host, before, setup, choice, asked, named=named, settled=_NOTHING_TO_TAKE)


def _set_up(
    host: Host,
    before: Diagnosis,
    setup: RepairSetup,
    options: Options,
    wish: ChangeOptions,
    group: Sequence[str],
) -> HostReport:
    playbook, choice = named_playbook(options, "share-bans"), choice_of(wish)
    asked = partial(agree, wish=wish)
    if before.inside.access is None or host.managed:  # says why nothing can be done
        return run_named(host, before, setup, choice, asked, named=[(playbook, {})])
    whole = complete(host)
    also, unknown = never(whole, options)
    wanted = share_policy(audited(whole, probe_options(options)), (*also, *group), unknown)
    if wanted.refused:
        return refused(host, before, wanted.refused)
    named = [(playbook, wanted.variables)]
    return run_named(host, before, setup, choice, asked, named=named, forecast=wanted.told, settled=_SETTLED)
