"""Many hosts at once: one process for each that is under way, so that Ctrl-C reaches every one of them.

Whatever goes wrong with one host is that host's report, and no other's.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence

from sshdoctor.commands.shared.program import internal_error
from sshdoctor.errors import SshdoctorError
from sshdoctor.model import AccessUsed, Host, HostReport

Work = Callable[[Host], HostReport]


def examine_all(hosts: Sequence[Host], work: Work, jobs: int) -> Iterator[HostReport]:
    """``work`` of each host, in the order in which they end; ``jobs`` at a time.

    On KeyboardInterrupt every worker is interrupted too and waited for, so that each cleans up its host.
    """
    if len(hosts) == 1 or jobs == 1:
        yield from (examine(host, work) for host in hosts)
        return
    from concurrent.futures import ProcessPoolExecutor, as_completed  # 30 ms that one host need not pay
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    # fork, not spawn: a worker has all modules, all checks and its work at once, and shares their memory.
    with ProcessPoolExecutor(min(jobs, len(hosts)), get_context("fork"), _wait_for_work, (work,)) as pool:
        futures = {pool.submit(_interruptible, host): host for host in hosts}
        workers = tuple(pool._processes)
        try:
            for future in as_completed(futures):
                try:
                    yield future.result()
                except BrokenProcessPool:
                    ended = "internal error: a process that examined hosts was ended"
                    yield failed_report(futures[future], ended)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for pid in workers:
                os.kill(pid, signal.SIGINT)
            raise


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
        login=host.login,
        verdict="undecided",
        outside=(),
        access=AccessUsed(via=None),
        prediction=None,
        causes=(),
        checks=(),
        notes=(what,),
    )


class _Worker:
    """What this process does of every host: inherited, as a playbook, which has modules, cannot be sent."""

    work: Work


def _wait_for_work(work: Work) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _Worker.work = staticmethod(work)


def _interruptible(host: Host) -> HostReport:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return examine(host, _Worker.work)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
