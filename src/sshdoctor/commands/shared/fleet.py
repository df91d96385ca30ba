"""Many hosts at once: one process for each that is under way, so that Ctrl-C reaches every one of them.

Whatever goes wrong with one host is that host's report, and no other's.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial

from sshdoctor.commands.shared.program import internal_error
from sshdoctor.errors import SshdoctorError
from sshdoctor.model import AccessUsed, Host, HostReport

Work = Callable[[Host], HostReport]


def examine_all(
    hosts: Sequence[Host], work: Work, jobs: int, patience: float | None = None
) -> Generator[HostReport]:
    """``work`` of each host, in the order in which they end; ``jobs`` at a time.

    On KeyboardInterrupt every worker is interrupted too and waited for, so that each cleans up its host; for
    ``patience`` seconds, after which it is ended; None: however long that takes. Close it to the same end.
    """
    if len(hosts) == 1 or jobs == 1:
        yield from (examine(host, work) for host in hosts)
        return
    from sshdoctor.commands.shared.workers import Workers  # which one host need not pay for

    with Workers(partial(examine, work=work), min(jobs, len(hosts)), patience) as workers:
        for host, answer in workers.each(hosts):
            if isinstance(answer, SshdoctorError):
                raise answer
            yield answer or failed_report(host, "internal error: a process that examined hosts was ended")


def examine(host: Host, work: Work) -> HostReport:
    """``work`` of one host, or the report that it failed; what the person gave wrong is raised."""
    try:
        return work(host)
    except SshdoctorError:
        raise
    except Exception as error:  # what comes from a host has no say in what comes of the others
        return failed_report(host, internal_error(error))


def failed_report(host: Host, what: str) -> HostReport:
    """Nothing is known of ``host``, because this program failed; ``what`` says how."""
    return HostReport(
        host=host.name,
        service=host.service,
        managed=host.managed,
        login=host.login,
        verdict="undecided",
        outside=(),
        access=AccessUsed(via=None),
        prediction=None,
        causes=(),
        checks=(),
        notes=(what,),
    )
