"""Whatever happens in the middle of a remedy, the host is as reachable afterwards as it was before."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from drills.drilled import drilled_host, outcome_of
from drills.drilling import hold_all, hold_every
from drills.drills import KINDS, NOT_DRILLED, load_cases, sample
from hosts.scenario import load_scenarios
from hosts.testbed import Testbed
from sshdoctor.documents.resources import shipped
from sshdoctor.remedy.playbook.load import load_playbooks

CASES = load_cases()


def test_every_guarded_playbook_is_drilled_or_it_is_said_why_not() -> None:
    guarded = {playbook.id for playbook in load_playbooks([shipped("playbooks")]) if playbook.remedy.guard}
    assert {case.playbook for case in CASES} | NOT_DRILLED.keys() == guarded


def test_every_scenario_of_a_drill_is_there() -> None:
    assert {case.scenario for case in CASES} <= {scenario.name for scenario in load_scenarios()}


def test_the_sample_has_every_playbook_and_every_kind() -> None:
    drills = sample(CASES)
    assert {drill.kind for drill in drills} == set(KINDS)
    assert {drill.case for drill in drills} == set(CASES)


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.containers
def test_after_a_drill_the_host_is_as_reachable_as_before(testbed: Testbed) -> None:
    every = os.environ.get("SSHDOCTOR_DRILLS") == "all"
    outcomes = hold_every(CASES, testbed) if every else hold_all(sample(CASES), testbed)
    assert len(outcomes) >= len(CASES)
    faults = [f"{outcome.drill}: {fault}" for outcome in outcomes for fault in outcome.faults]
    assert not faults, "\n".join(faults)


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.containers
def test_of_two_remedies_at_a_time_one_is_refused_and_harms_nothing(testbed: Testbed, tmp_path: Path) -> None:
    stopped = next(scenario for scenario in load_scenarios() if scenario.name == "sshd-stopped")
    with drilled_host(testbed, stopped, tmp_path, place=0) as host:
        host.stop_at(1)
        first = host.start("podman", "remediate", "--yes", "--guard", "120")
        host.await_stop(first)
        second = host.start("ssh", "remediate", "--yes", "--guard", "120")
        told, _ = second.communicate(timeout=90)
        assert second.returncode == 4
        assert "another remedy is under way on this host" in outcome_of(told)
        host.go_on()
        told, _ = first.communicate(timeout=90)
        assert (first.returncode, outcome_of(told)) == (0, "proved: ")
        assert host.word() == "confirmed"
        assert max(host.reach(spare=False).values()) == 3
