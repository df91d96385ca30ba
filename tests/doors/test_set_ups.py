"""Two-step logins as people have set them up: the doors that are told are those that real logins found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from doors.real_host import door_host
from hosts.testbed import Testbed
from sshdoctor.documents.reader import read_yaml

CASES: list[Mapping[str, Any]] = read_yaml(Path(__file__).parent / "set_ups.yml")
ALWAYS = ("two-right", "forward-pass", "cert-principals-file")

pytestmark = pytest.mark.containers


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case["name"], marks=() if case["name"] in ALWAYS else pytest.mark.long)
        for case in CASES
    ],
)
def test_the_doors_are_those_that_logins_found(
    case: Mapping[str, Any], testbed: Testbed, tmp_path: Path
) -> None:
    with door_host(testbed, tmp_path, case) as host:
        told = host.doors()
    right = {
        (account, door): sorted(map(sorted, sets))
        for account, doors in case["doors"].items()
        for door, sets in doors.items()
    }
    found = {(account, door): told["accounts"].get(account, {}).get(door) for account, door in right}
    assert found == right, told
    assert {*case.get("locked_out", ())} <= {*told["locked_out"]}
