"""The owner of a rule is named; what the report says to type is typed, and then the client gets in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import Template

import pytest

from hosts import openssh
from hosts.client import Client
from hosts.scenario import Dial, load_scenarios
from hosts.testbed import Testbed
from sshdoctor.document import read_yaml

CASES: Mapping[str, Mapping[str, str]] = read_yaml(Path(__file__).with_name("firewall_owners.yml"))
SCENARIOS = {scenario.name: scenario for scenario in load_scenarios()}


@pytest.mark.containers
@pytest.mark.parametrize("name", CASES)
def test_what_the_owner_of_the_rule_is_told_lets_the_client_in(
    name: str, testbed: Testbed, tmp_path: Path
) -> None:
    case, scenario = CASES[name], SCENARIOS.get(name)
    with testbed.host(scenario.image if scenario else "firewalls") as host:
        if scenario:
            scenario.break_host(host)
        else:
            host.run(case["break"])
        client = Client(scenario.dial if scenario else Dial(), host, testbed, tmp_path)
        (cause,) = (c for c in client.diagnose(seconds=2)[1]["hosts"][0]["causes"] if c["role"] == "root")
        said, fix = (Template(case[key]).substitute(host.variables) for key in ("says", "fix"))
        assert said in cause["summary"]
        assert fix in cause["fix"]
        host.run(fix)
        assert openssh.agrees("ok", client.says(seconds=2))
