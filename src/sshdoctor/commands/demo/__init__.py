"""The command ``demo``: a throw-away host, broken, diagnosed, repaired and proved."""

from __future__ import annotations

import sys
import time
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from sshdoctor.commands.demo.host import broken_host
from sshdoctor.commands.shared import exit_codes
from sshdoctor.commands.shared.changes import ChangeOptions, repair_setup, work_on
from sshdoctor.commands.shared.options import show_text, terminal
from sshdoctor.diagnosis.outside import ProbeOptions
from sshdoctor.diagnosis.pipeline import Diagnosis, diagnose
from sshdoctor.diagnosis.setup import diagnosis_setup
from sshdoctor.inventory.folders import check_folders
from sshdoctor.model import Host, HostReport
from sshdoctor.remedy.consent import Choice
from sshdoctor.remedy.setup import RepairSetup
from sshdoctor.reports import render
from sshdoctor.reports.repair_text import plan_text

if TYPE_CHECKING:
    from sshdoctor.remedy.plan import Step
    from sshdoctor.remedy.repair import Proposal

_PROBING = ProbeOptions(timeout=4)


def run() -> int:
    """Show it all on a container; the exit code of what came of it. Raises DemoError."""
    _say("Making a throw-away host; its sshd is stopped, behind a firewall rule that drops.")
    with broken_host() as host:
        _say("Diagnosing it from both sides.\n")
        found = _diagnose(host)
        _say("Repairing it, under a guard that would undo what is not proved.\n")
        proved = _repair(host)
    return 0 if found[:2] == ("firewall-drops", "sshd-stopped") and proved else exit_codes.UNDECIDED


def run_site(seconds: int = 120) -> int:
    """The same for a site: what refuses is opened for ``seconds``, and seen to close. Raises DemoError."""
    from sshdoctor.commands.demo.site import closed_site, status

    _say("Making a throw-away site; its provider closes xmlrpc.php to foreign addresses.")
    with closed_site() as host:
        _say(f"An outside service that posts to it gets HTTP {status(host)}.")
        _say("Diagnosing it from both sides.\n")
        found = _diagnose(host)
        _say(f"Opening this one path, for this one address, for {seconds} seconds.\n")
        proved = _repair(host, seconds)
        ends = time.monotonic() + seconds + 60
        _say(f"\nNow it gets HTTP {status(host)}. Nothing more is done here: the host closes it by itself.")
        while status(host) == "200" and time.monotonic() < ends:
            time.sleep(1)
        closed = status(host)
        _say(f"It was closed: HTTP {closed}.")
    good = found[:1] == ("xmlrpc-closed",) and proved and closed == "403"
    return 0 if good else exit_codes.UNDECIDED


def run_frozen() -> int:
    """The same for a host that somebody got into: found, stopped, the letter, undone. Raises DemoError."""
    from sshdoctor.commands.demo.frozen import frozen_host, state
    from sshdoctor.commands.shared.cleaning import cleaned_up, in_words, letter_of
    from sshdoctor.commands.shared.examined import in_words as examined
    from sshdoctor.commands.shared.looking import look
    from sshdoctor.diagnosis.inside import enter
    from sshdoctor.remedy.apply import undo

    _say("Making a throw-away host; a stand-in comes back by two ways, and a page sends letters.")
    with frozen_host() as host:
        before, width = state(host), terminal()["width"]
        _say("Examining it.\n")
        inside, found = look(host, _PROBING)
        if inside.access is not None:
            inside.access.close()
        show_text(examined(host.name, inside.used, found, width) + "\n")
        _say("Stopping it: a minute is waited for, as cron would bring it back in that time.\n")
        wish = ChangeOptions(check=False, diff=False, yes=True, guard="60", source="")
        done = cleaned_up(host, _PROBING, "account-misused", wish, 60)
        show_text("\n" + in_words(done, width))
        _say("\nThe letter to the provider:\n")
        show_text(letter_of(done))
        _say("\nUndoing it, as if it had been a mistake.")
        with closing(enter(host.ways[0], _PROBING)) as access:
            _say(undo(access))
        same = state(host) == before
        _say("All is as it was before." if same else "Something is not as it was before.")
    good = found.kind == "misuse" and done.cleaned.outcome == "proved" and same
    return 0 if good else exit_codes.UNDECIDED


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _diagnose(host: Host) -> tuple[str, ...]:
    """The ids of the causes; the report is shown."""
    report = diagnose(host, diagnosis_setup(check_folders([]), _PROBING)).report
    show_text(render([report], "text", **terminal()))
    return tuple(cause.id for cause in report.causes)


def _repair(host: Host, hold: int = 0) -> bool:
    """Whether the repair is proved; plan and report are shown, and nobody is asked."""
    report = work_on(host, repair_setup([], _PROBING), partial(_repaired, hold=hold))
    show_text("\n" + render([report], "text", **terminal()))
    return report.repair is not None and report.repair.outcome == "proved"


def _repaired(host: Host, before: Diagnosis, setup: RepairSetup, hold: int) -> HostReport:
    from sshdoctor.remedy.repair import repair

    return repair(host, before, setup, Choice(seconds=60, hold=hold), _agree)


def _agree(proposal: Proposal) -> tuple[Step, ...]:
    show_text(plan_text(proposal.report, [step.shown for step in proposal.steps], proposal.forecast))
    return proposal.steps
