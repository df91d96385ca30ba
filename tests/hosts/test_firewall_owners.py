"""Rules of firewalls that no scenario has (see hosts.owners; the others are tried in test_scenarios)."""

from __future__ import annotations

from pathlib import Path

import pytest

from hosts.client import Client
from hosts.owners import CASES, assert_the_fix_lets_in
from hosts.scenario import Dial
from hosts.testbed import Testbed


@pytest.mark.containers
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if "break" in case])
def test_what_the_owner_of_the_rule_is_told_lets_the_client_in(
    name: str, testbed: Testbed, tmp_path: Path
) -> None:
    with testbed.host("firewalls") as host:
        host.run(CASES[name]["break"])
        client = Client(Dial(), host, testbed, tmp_path)
        _, report = client.diagnose(seconds=4)
        assert_the_fix_lets_in(CASES[name], client, report)


def test_every_case_has_a_host() -> None:
    scenarios = {path.stem for path in Path(__file__).with_name("scenarios").iterdir()}
    assert {name for name, case in CASES.items() if "break" not in case} <= scenarios
