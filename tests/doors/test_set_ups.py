"""Two-step logins as people have set them up: the doors that are told are those that real logins find."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from doors.real_host import DoorHost, door_host
from doors.real_logins import Logins
from hosts.testbed import Testbed
from sshdoctor.documents.reader import read_yaml
from sshdoctor.doors.factors import listed

HERE = Path(__file__).parent
REPORTED: list[Mapping[str, Any]] = read_yaml(HERE / "set_ups.yml")
KINDS: Mapping[str, Any] = read_yaml(HERE / "kinds.yml")
ALWAYS = ("two-right", "forward-pass", "second-sshd")
Doors = Mapping[tuple[str, str], Any]

pytestmark = pytest.mark.containers


def cases(of: list[Mapping[str, Any]]) -> list[Any]:
    return [
        pytest.param(case, id=case["name"], marks=() if case["name"] in ALWAYS else pytest.mark.long)
        for case in of
    ]


def right(case: Mapping[str, Any]) -> Doors:
    return {
        (account, door): sorted(map(sorted, sets))
        for account, doors in case["doors"].items()
        for door, sets in doors.items()
    }


def told(report: Mapping[str, Any], wanted: Doors) -> Doors:
    return {(account, door): report["accounts"].get(account, {}).get(door) for account, door in wanted}


def tried(host: DoorHost, wanted: Doors) -> Doors:
    """What real logins find at the doors of SSH, from here."""
    keys = {"key": host.key}
    if host.certificate.exists():
        keys["cert"] = Path(shutil.copy(host.key, host.folder / "cert"))
        shutil.copy(host.certificate, host.folder / "cert-cert.pub")
    here = [(account, door) for account, door in wanted if "@" not in door]
    logins = {
        each: Logins(host.host.address4, int(each[1].partition(":")[2]), each[0], keys) for each in here
    }
    return {each: listed(one.sets()) for each, one in logins.items()}


@pytest.mark.parametrize("case", cases(REPORTED))
def test_the_doors_are_those_that_were_reported(
    case: Mapping[str, Any], testbed: Testbed, tmp_path: Path
) -> None:
    with door_host(testbed, tmp_path, case) as host:
        report = host.doors()
    assert told(report, right(case)) == right(case), report
    assert {*case.get("locked_out", ())} <= {*report["locked_out"]}


@pytest.mark.parametrize("case", cases(KINDS["set_ups"]))
def test_the_doors_are_those_that_real_logins_find(
    case: Mapping[str, Any], testbed: Testbed, tmp_path: Path
) -> None:
    wanted = right(case)
    with door_host(testbed, tmp_path, {**case, "setup": KINDS["before"] + case["setup"]}) as host:
        report, real = host.doors(), tried(host, wanted)
    assert told(report, wanted) == wanted, report
    assert real == {each: wanted[each] for each in real}
