"""Hosts broken on purpose: the command that people run must name what was broken, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hosts import openssh
from hosts.client import Client
from hosts.owners import CASES, assert_the_fix_lets_in
from hosts.scenario import Scenario, load_scenarios
from hosts.testbed import Testbed

SCHEMA = Path(__file__).parents[2] / "docs" / "report.schema.json"
SCENARIOS = {scenario.name: scenario for scenario in load_scenarios()}

pytestmark = pytest.mark.containers


@dataclass
class Visit:
    """A client before a freshly broken host, and the report of one diagnosis of it."""

    scenario: Scenario
    client: Client

    @cached_property
    def diagnosed(self) -> tuple[int, Mapping[str, Any]]:
        """The exit code and the report."""
        return self.client.diagnose(seconds=self.scenario.expect.seconds)


VisitTo = Callable[[str], Visit]


@pytest.fixture(scope="module")
def visit_to(testbed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VisitTo]:
    """One scenario's host at a time: the tests of a scenario follow each other, and share it."""
    current: dict[str, Visit] = {}
    with ExitStack() as stack:

        def visit(name: str) -> Visit:
            if name not in current:
                stack.close()
                current.clear()
                scenario = SCENARIOS[name]
                host = stack.enter_context(testbed.host(scenario.image))
                scenario.break_host(host)
                client = Client(scenario.dial, host, testbed, tmp_path_factory.mktemp(name))
                current[name] = Visit(scenario, client)
            return current[name]

        yield visit


def each(names: Iterator[str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "name", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in names]
    )


@each(iter(SCENARIOS))
def test_openssh_sees_the_reply_that_the_scenario_is_written_for(name: str, visit_to: VisitTo) -> None:
    visit, expected = visit_to(name), SCENARIOS[name].expect
    reply = expected.reply
    for family, word in {"": reply}.items() if isinstance(reply, str) else reply.items():
        said = visit.client.says(family=family, seconds=expected.seconds)
        assert openssh.agrees(word, said), f"not {word}: {said}"


@each(iter(SCENARIOS))
def test_what_was_broken_is_named_and_nothing_else(name: str, visit_to: VisitTo) -> None:
    exit_code, report = visit_to(name).diagnosed
    jsonschema.validate(report, json.loads(SCHEMA.read_text()))
    faults = SCENARIOS[name].expect.faults(report["hosts"][0], exit_code)
    bare = [cause["id"] for cause in report["hosts"][0]["causes"] if not cause["evidence"]]
    assert not faults + bare, "\n".join([*faults, f"without evidence: {bare}", json.dumps(report, indent=2)])


@each(name for name in CASES if name in SCENARIOS)
def test_what_the_owner_of_the_rule_is_told_lets_the_client_in(name: str, visit_to: VisitTo) -> None:
    """The last of a scenario's tests: it mends the host."""
    visit = visit_to(name)
    assert_the_fix_lets_in(CASES[name], visit.client, visit.diagnosed[1])
