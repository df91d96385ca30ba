"""Two-step logins as people have set them up: the doors that are told are those that real logins find."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from doors.local_logins import su_sets, sudo_sets
from doors.real_host import DoorHost, door_host
from doors.real_logins import Logins
from hosts.testbed import Testbed
from protection.case import has_address
from sshdoctor.documents.reader import read_yaml
from sshdoctor.doors.factors import listed

HERE = Path(__file__).parent
REPORTED: list[Mapping[str, Any]] = read_yaml(HERE / "set_ups.yml")
KINDS: Mapping[str, Any] = read_yaml(HERE / "kinds.yml")
OURS: list[Mapping[str, Any]] = [*KINDS["set_ups"], *read_yaml(HERE / "reports.yml")]
CALLERS = ("deploy", "ops")
"""Who calls su: those that are not root."""
ALWAYS = ("two-right", "forward-pass", "second-sshd")
Doors = Mapping[tuple[str, str], Any]

pytestmark = pytest.mark.containers


def cases(of: list[Mapping[str, Any]]) -> list[Any]:
    return [
        pytest.param(case, id=case["name"], marks=() if case["name"] in ALWAYS else pytest.mark.long)
        for case in of
    ]


def right(case: Mapping[str, Any], nobody: str = "") -> Doors:
    return {
        (account, door.replace("{nobody}", nobody)): sorted(map(sorted, sets))
        for account, doors in case["doors"].items()
        for door, sets in doors.items()
    }


def told(report: Mapping[str, Any], wanted: Doors) -> Doors:
    """What is said of each; a door from another address is named only where it differs."""
    return {(account, door): _said(report["accounts"].get(account, {}), door) for account, door in wanted}


def _said(doors: Mapping[str, Any], door: str) -> Any:
    return doors.get(door, doors.get(door.partition("@")[0]))


def tried(host: DoorHost, wanted: Doors) -> Doors:
    """What real logins find: by SSH from the addresses that this machine has, by su and sudo."""
    nobody = host.host.variables["NOBODY4"]
    if any(door.endswith(f"@{nobody}") for _, door in wanted):
        has_address(nobody, host.host)
    keys = {"key": host.key}
    if host.certificate.exists():
        keys["cert"] = Path(shutil.copy(host.key, host.folder / "cert"))
        shutil.copy(host.certificate, host.folder / "cert-cert.pub")
    found = {}
    for account, door in wanted:
        kind, _, place = door.partition(":")
        port, _, source = place.partition("@")
        if kind == "ssh" and source in ("", nobody):
            sets = Logins(host.host.address4, int(port), account, keys, source).sets()
        elif kind != "ssh":
            sets = su_sets(host.host, account, CALLERS) if kind == "su" else sudo_sets(host.host, account)
        else:
            continue
        found[account, door] = listed(sets)
    return found


@pytest.mark.parametrize("case", cases(REPORTED))
def test_the_doors_are_those_that_were_reported(
    case: Mapping[str, Any], testbed: Testbed, tmp_path: Path
) -> None:
    with door_host(testbed, tmp_path, case) as host:
        report = host.doors()
    assert told(report, right(case)) == right(case), report
    assert {*case.get("locked_out", ())} <= {*report["locked_out"]}


@pytest.mark.parametrize("case", cases(OURS))
def test_the_doors_are_those_that_real_logins_find(
    case: Mapping[str, Any], testbed: Testbed, tmp_path: Path
) -> None:
    with door_host(testbed, tmp_path, {**case, "setup": KINDS["before"] + case["setup"]}) as host:
        wanted = right(case, host.host.variables["NOBODY4"])
        report, real = host.doors(), tried(host, wanted)
    assert told(report, wanted) == wanted, report
    named = [*report["notes"], *(f"{one['account']}: {one['why']}" for one in report["unknown"])]
    assert all(any(word in text for text in named) for word in case.get("named", ())), named
    assert real == {each: wanted[each] for each in real}
