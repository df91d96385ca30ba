"""The command ``remediate``: diagnose, plan, ask, repair under guard, prove."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from functools import partial
from shlex import quote
from typing import TYPE_CHECKING

from sshdoctor.commands.shared import exit_codes
from sshdoctor.commands.shared.changes import ChangeOptions, agree, choice_of, repair_setup, work_on_each
from sshdoctor.commands.shared.options import Options, one_host, probe_options, write, write_program
from sshdoctor.diagnosis.pipeline import Diagnosis
from sshdoctor.diagnosis.setup import load_checks
from sshdoctor.documents.reader import suggest
from sshdoctor.errors import UsageError
from sshdoctor.examination.cleanup.causes import CAUSES
from sshdoctor.inventory.folders import check_folders
from sshdoctor.model import Host, HostReport
from sshdoctor.remedy.consent import Choice
from sshdoctor.remedy.setup import RepairSetup, diagnose_to_repair
from sshdoctor.reports import check_format

if TYPE_CHECKING:
    from sshdoctor.remedy.plan import Step


def run(options: Options, wish: ChangeOptions, causes: tuple[str, ...], notice: str = "") -> int:
    """Repair the hosts of ``options``, write the report, give the exit code. Raises CaptureError."""
    if wish.script and (wish.check or wish.diff or wish.yes):
        raise UsageError("--script asks at the console: --check, --diff and --yes do not go with it")
    if wish.script and wish.hold:
        raise UsageError("--script --for: from a console nothing proves an opening, so none is written down")
    if options.capture and not wish.script:
        raise UsageError(
            "a capture cannot be repaired; with --script FILE the plan is written for the console"
        )
    _all_known(causes, options)
    choice = choice_of(wish, causes)
    if found := [one for one in causes if one in CAUSES]:
        from sshdoctor.commands.shared import cleaning

        if len(causes) > 1:
            raise UsageError(f"--cause {found[0]} is examined, not dialled: it stands alone")
        return cleaning.run(options, wish, found[0], notice)
    if notice:
        raise UsageError(f"--notice is answered with --cause {', '.join(CAUSES)} and --format ticket")
    if wish.script:
        return _write_script(options, wish, choice)

    def work(host: Host, before: Diagnosis, setup: RepairSetup) -> HostReport:
        from sshdoctor.remedy.repair import repair

        return repair(host, before, setup, choice, partial(agree, wish=wish))

    return work_on_each(options, work, wish)


def _all_known(causes: Sequence[str], options: Options) -> None:
    """Nothing is dialled for a cause that there is not. Raises UsageError."""
    if not causes:
        return
    checks = load_checks(check_folders(options.sources))
    known = {*CAUSES, *(cause.id for check in checks for cause in check.causes)}
    for word in causes:
        if word not in known:
            raise UsageError(f"--cause {word}: there is no such cause{suggest(word, known)}")


def _write_script(options: Options, wish: ChangeOptions, choice: Choice) -> int:
    from sshdoctor.remedy.repair import write_down
    from sshdoctor.reports.repair_text import login_command, plan_text
    from sshdoctor.rescue.fix import fix_script

    check_format(options.format, options.lang)
    probing, host = probe_options(options), one_host(options, "--script is for one host")
    setup = repair_setup(options.sources, probing)
    with closing(diagnose_to_repair(host, setup, options.capture)) as before:

        def written(steps: Sequence[Step], forecast: str) -> str:
            report = before.report
            plan = plan_text(report, [step.shown for step in steps], forecast)
            script = fix_script(report, steps, plan, login_command(report.login), choice.seconds)
            write_program(wish.script, script, "--script")
            return f"Run it as root at the console: sh {quote(wish.script)}"

        report = write_down(host, before, setup, choice, written)
    write([report], options)
    return exit_codes.of_repairs([report])
