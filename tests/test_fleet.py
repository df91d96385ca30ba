"""Many hosts at once: each in a process of its own, and what is done with them need not be sendable."""

import os
import threading

import pytest

from sshdoctor.commands.shared.fleet import examine_all
from sshdoctor.model import AccessUsed, Host, HostReport, Login


def host(name: str) -> Host:
    return Host(service="ssh", name=name, login=Login(address=name, port=22), ways=())


def reported(one: Host, note: str) -> HostReport:
    return HostReport(
        host=one.name,
        login=one.login,
        verdict="healthy",
        outside=(),
        access=AccessUsed(via=None),
        prediction=None,
        causes=(),
        checks=(),
        notes=(note,),
    )


@pytest.mark.parametrize(("count", "jobs", "processes"), [(1, 16, 0), (3, 1, 0), (5, 2, 2)])
def test_every_host_is_examined_by_so_many_processes_at_most(count: int, jobs: int, processes: int) -> None:
    hosts = [host(f"web{number}") for number in range(count)]
    unsendable = threading.Lock()  # as a playbook's modules are

    def work(one: Host) -> HostReport:
        with unsendable:
            return reported(one, str(os.getpid()))

    reports = [*examine_all(hosts, work, jobs)]
    assert sorted(report.host for report in reports) == [one.name for one in hosts]
    others = {report.notes for report in reports} - {(str(os.getpid()),)}
    assert len(others) <= processes and bool(others) == bool(processes)


def test_what_goes_wrong_with_one_host_is_raised_here() -> None:
    def work(one: Host) -> HostReport:
        raise OSError(one.name)

    with pytest.raises(OSError, match="web"):
        list(examine_all([host("web1"), host("web2")], work, 2))
