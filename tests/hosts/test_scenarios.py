"""Hosts broken on purpose: the command that people run must name what was broken, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from hosts import openssh
from hosts.client import Client
from hosts.scenario import Scenario, load_scenarios
from hosts.testbed import Testbed

SCHEMA = Path(__file__).parents[2] / "docs" / "report.schema.json"

pytestmark = [
    pytest.mark.containers,
    pytest.mark.parametrize("scenario", load_scenarios(), ids=lambda scenario: scenario.name, scope="module"),
]


@pytest.fixture(scope="module")
def client(
    scenario: Scenario, testbed: Testbed, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    """A client before a freshly broken host; both tests of a scenario share it."""
    with testbed.host(scenario.image) as host:
        scenario.break_host(host)
        yield Client(scenario.dial, host, testbed, tmp_path_factory.mktemp(scenario.name))


def test_openssh_sees_the_reply_that_the_scenario_is_written_for(scenario: Scenario, client: Client) -> None:
    reply = scenario.expect.reply
    for family, word in {"": reply}.items() if isinstance(reply, str) else reply.items():
        said = client.says(family=family, seconds=scenario.expect.seconds)
        assert openssh.agrees(word, said), f"not {word}: {said}"


def test_what_was_broken_is_named_and_nothing_else(scenario: Scenario, client: Client) -> None:
    exit_code, report = client.diagnose(seconds=scenario.expect.seconds)
    jsonschema.validate(report, json.loads(SCHEMA.read_text()))
    faults = scenario.expect.faults(report["hosts"][0], exit_code)
    bare = [cause["id"] for cause in report["hosts"][0]["causes"] if not cause["evidence"]]
    assert not faults + bare, "\n".join([*faults, f"without evidence: {bare}", json.dumps(report, indent=2)])
