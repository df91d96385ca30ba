"""Broken hosts are repaired by the real command: proved by OpenSSH's own client, and taken back by undo."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from hosts import openssh
from hosts.client import Client
from hosts.scenario import Scenario, load_scenarios
from hosts.state import differences, state_of
from hosts.testbed import Testbed
from sshdoctor.remedy.load import load_playbooks
from sshdoctor.resources import shipped

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text())
MENDED = {
    cause
    for playbook in load_playbooks([shipped("playbooks")])
    if not playbook.remedy.only_with_cause
    for cause in playbook.remedy.mends
}
REPAIRABLE = [s for s in load_scenarios() if s.cause_ids and s.cause_ids <= MENDED]

pytestmark = [
    pytest.mark.containers,
    pytest.mark.parametrize("scenario", REPAIRABLE, ids=lambda scenario: scenario.name, scope="module"),
]


@pytest.fixture
def client(scenario: Scenario, testbed: Testbed, tmp_path: Path) -> Iterator[Client]:
    with testbed.host(scenario.image) as host:
        scenario.break_host(host)
        yield Client(scenario.dial, host, testbed, tmp_path)


def test_a_broken_host_is_repaired_once_and_can_be_taken_back(scenario: Scenario, client: Client) -> None:
    seconds = scenario.expect.seconds
    broken = state_of(client.host)

    exit_code, report = client.run("remediate", "--check", seconds=seconds)
    assert (exit_code, report["hosts"][0]["repair"]["outcome"]) == (1, "checked")
    assert differences(broken, state_of(client.host)) == []

    exit_code, report = client.run("remediate", "--yes", seconds=seconds)
    jsonschema.validate(report, SCHEMA)
    told = json.dumps({key: report["hosts"][0][key] for key in ("repair", "remedies", "causes")}, indent=2)
    assert (exit_code, report["hosts"][0]["repair"]["outcome"]) == (0, "proved"), told
    assert openssh.agrees("ok", client.says(seconds=seconds))
    repaired = state_of(client.host)

    exit_code, report = client.run("remediate", "--yes", seconds=seconds)
    assert (exit_code, report["hosts"][0]["repair"]["outcome"]) == (0, "nothing-to-do")
    assert differences(repaired, state_of(client.host)) == []

    exit_code, report = client.run("undo", "--yes", seconds=seconds)
    assert report["hosts"][0]["repair"]["outcome"] == "undone"
    assert differences(broken, state_of(client.host)) == []
