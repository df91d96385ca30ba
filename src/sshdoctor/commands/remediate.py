"""The command ``remediate``: diagnose, plan, ask, repair under guard, prove."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from functools import partial
from shlex import quote
from typing import TYPE_CHECKING

from sshdoctor.command_line import exit_codes
from sshdoctor.command_line.changes import ChangeOptions, agree, choice_of, repair_setup, work_on_each
from sshdoctor.command_line.options import Options, hosts_of, probe_options, write, write_program
from sshdoctor.diagnosis.pipeline import Diagnosis
from sshdoctor.errors import UsageError
from sshdoctor.model import Host, HostReport
from sshdoctor.remedy.consent import Choice
from sshdoctor.remedy.setup import RepairSetup, diagnose_to_repair
from sshdoctor.reports import check_format

if TYPE_CHECKING:
    from sshdoctor.access.capture.capture import Capture
    from sshdoctor.remedy.plan import Step


def run(
    options: Options, wish: ChangeOptions, causes: tuple[str, ...], capture: Capture | None = None
) -> int:
    """Repair the hosts of ``options``, write the report, give the exit code.

    A ``capture`` of the one host is asked instead of it, for a script. Raises CaptureError.
    """
    choice = choice_of(wish, causes)
    if wish.script:
        return _write_script(options, wish, choice, capture)

    def work(host: Host, before: Diagnosis, setup: RepairSetup) -> HostReport:
        from sshdoctor.remedy.repair import repair

        return repair(host, before, setup, choice, partial(agree, wish=wish))

    return work_on_each(options, work, wish)


def _write_script(options: Options, wish: ChangeOptions, choice: Choice, capture: Capture | None) -> int:
    from sshdoctor.remedy.repair import write_down
    from sshdoctor.rescue.fix import fix_script

    check_format(options.format, options.lang)
    probing, hosts = probe_options(options), hosts_of(options)
    if len(hosts) != 1:
        raise UsageError(f"--script is for one host, and --host {options.pattern} means {len(hosts)}")
    setup = repair_setup(options.sources, probing)
    with closing(diagnose_to_repair(hosts[0], setup, capture)) as before:

        def written(steps: Sequence[Step], forecast: str) -> str:
            write_program(wish.script, fix_script(before.report, steps, forecast, choice.seconds), "--script")
            return f"Run it as root at the console: sh {quote(wish.script)}"

        report = write_down(hosts[0], before, setup, choice, written)
    write([report], options)
    return exit_codes.of_repairs([report])
