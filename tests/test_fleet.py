"""Many hosts at once: each in a process of its own, and what is done with them need not be sendable."""

import os
import signal
import threading

import pytest

from sshdoctor.commands.shared.fleet import examine_all
from sshdoctor.errors import UsageError
from sshdoctor.model import AccessUsed, Host, HostReport, Login


def host(name: str) -> Host:
    return Host(service="ssh", name=name, login=Login(address=name, port=22), ways=())


def reported(one: Host, note: str) -> HostReport:
    return HostReport(
        host=one.name,
        service="ssh",
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


def test_what_goes_wrong_with_one_host_is_its_report_and_no_others() -> None:
    def work(one: Host) -> HostReport:
        if one.name == "web1":
            raise ValueError(f"{one.name} said junk")
        if one.name == "web2":
            os.kill(os.getpid(), signal.SIGKILL)
        return reported(one, "well")

    def notes(*names: str) -> dict[str, str]:
        found = examine_all([host(name) for name in names], work, 2)
        return {report.host: report.notes[0] for report in found}

    alone = notes("web1", "web3", "web4")
    assert alone["web1"].startswith("internal error: ValueError: web1 said junk (test_fleet.py:")
    assert (alone["web3"], alone["web4"]) == ("well", "well")
    assert "was ended" in notes("web2", "web3")["web2"]


def test_what_a_person_gave_wrong_is_raised() -> None:
    def work(one: Host) -> HostReport:
        raise UsageError("--only x: no check")

    with pytest.raises(UsageError):
        list(examine_all([host("web1"), host("web2")], work, 2))
