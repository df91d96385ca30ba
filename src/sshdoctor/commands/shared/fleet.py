"""Many hosts at once: one process for each that is under way, so that Ctrl-C reaches every one of them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence

from sshdoctor.model import Host, HostReport

Work = Callable[[Host], HostReport]


def examine_all(hosts: Sequence[Host], work: Work, jobs: int) -> Iterator[HostReport]:
    """``work`` of each host, in the order in which they end; ``jobs`` at a time.

    On KeyboardInterrupt every worker is interrupted too and waited for, so that each cleans up its host.
    """
    if len(hosts) == 1 or jobs == 1:
        yield from map(work, hosts)
        return
    from concurrent.futures import ProcessPoolExecutor, as_completed  # 30 ms that one host need not pay
    from multiprocessing import get_context

    # fork, not spawn: a worker has all modules, all checks and its work at once, and shares their memory.
    with ProcessPoolExecutor(min(jobs, len(hosts)), get_context("fork"), _wait_for_work, (work,)) as pool:
        futures = [pool.submit(_interruptible, host) for host in hosts]
        workers = tuple(pool._processes)
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for pid in workers:
                os.kill(pid, signal.SIGINT)
            raise


class _Worker:
    """What this process does of every host: inherited, as a playbook, which has modules, cannot be sent."""

    work: Work


def _wait_for_work(work: Work) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _Worker.work = staticmethod(work)


def _interruptible(host: Host) -> HostReport:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return _Worker.work(host)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
