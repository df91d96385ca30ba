"""The command ``undo``: put back what the last remedy changed."""

from __future__ import annotations

from msgspec.structs import replace

from sshdoctor.commands.shared.changes import repair_setup, work_on
from sshdoctor.commands.shared.options import Options, hosts_of, probe_options, write
from sshdoctor.diagnosis.pipeline import Diagnosis
from sshdoctor.model import Host, HostReport
from sshdoctor.remedy.consent import agreed_to_undo
from sshdoctor.remedy.setup import RepairSetup
from sshdoctor.reports import check_format
from sshdoctor.reports.layout.printable import printable


def run(options: Options, *, yes: bool) -> int:
    """Put back what the last remedy changed on the hosts of ``options``."""
    check_format(options.format, options.lang)
    probing, hosts = probe_options(options), hosts_of(options)
    setup = repair_setup(options.sources, probing)

    def work(host: Host, before: Diagnosis, setup: RepairSetup) -> HostReport:
        from sshdoctor.remedy.undo import take_back

        return take_back(host, before, setup, agree)

    def agree(name: str, told: str) -> bool:
        return agreed_to_undo(printable(name), "\n".join(map(printable, told.splitlines())), yes=yes)

    reports = [work_on(_service_last(host), setup, work) for host in hosts]
    write(reports, options)
    return 0 if all(one.repair and one.repair.outcome == "undone" for one in reports) else 1


def _service_last(host: Host) -> Host:
    """The service may be what an undo breaks again: any other way in lives longer."""
    by_service = sorted(host.ways, key=lambda way: way.login == host.login)
    return replace(host, ways=tuple(by_service))
