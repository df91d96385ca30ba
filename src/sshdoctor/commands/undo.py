"""The command ``undo``: put back what the last remedy changed."""

from __future__ import annotations

from msgspec.structs import replace

from sshdoctor.commands.shared.changes import repair_setup, work_on
from sshdoctor.commands.shared.options import Options, hosts_of, probe_options, write
from sshdoctor.model import Host
from sshdoctor.remedy.consent import agreed_to_undo
from sshdoctor.reports import check_format


def run(options: Options, *, yes: bool) -> int:
    """Put back what the last remedy changed on the hosts of ``options``."""
    check_format(options.format, options.lang)
    probing, hosts = probe_options(options), hosts_of(options)
    if not yes and not agreed_to_undo([host.name for host in hosts]):
        return 1
    from sshdoctor.remedy.repair import take_back

    setup = repair_setup(options.sources, probing)
    write([work_on(_service_last(host), setup, take_back) for host in hosts], options)
    return 0


def _service_last(host: Host) -> Host:
    """The service may be what an undo breaks again: any other way in lives longer."""
    by_service = sorted(host.ways, key=lambda way: way.login == host.login)
    return replace(host, ways=tuple(by_service))
