"""Broken hosts are repaired by the real command: proved by OpenSSH's own client, and taken back by undo."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from hosts import openssh, second_judge
from hosts.client import Client
from hosts.scenario import Scenario, load_scenarios
from hosts.state import differences, state_of
from hosts.testbed import NO_USER_MANAGER, Testbed
from sshdoctor.documents.resources import shipped
from sshdoctor.remedy.playbook.load import load_playbooks

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text())
PLAYBOOKS = load_playbooks([shipped("playbooks")])
REMEDIES = [playbook.remedy for playbook in PLAYBOOKS]
UNGUARDED = {playbook.id for playbook in PLAYBOOKS if not playbook.remedy.guard}
"""What a package brings, starts and leaves behind is the package manager's: an undo of that is not exact."""
MENDED = {cause for remedy in REMEDIES if not remedy.only_with_cause for cause in remedy.mends}
DECISIONS = {cause for remedy in REMEDIES for cause in remedy.mends} - MENDED
"""What is mended only when a person names it: it may have been meant."""
BROKEN = [scenario for scenario in load_scenarios() if scenario.cause_ids]
REPAIRABLE = [s for s in BROKEN if s.cause_ids <= MENDED]
NOT_HERE = {"conntrack-full": "the kernel lets no container change nf_conntrack_max"}
DENIED_BY_NAME = [s for s in BROKEN if s.name == "user-not-allowed-by-denygroups"]
TO_BE_ASKED = [
    s for s in BROKEN if s.cause_ids <= MENDED | DECISIONS and s not in REPAIRABLE and s not in DENIED_BY_NAME
]

ALWAYS = {
    "sshd-stopped",
    "sshd-masked",
    "sshd-config-invalid-keyword",
    "host-keys-missing",
    "hosts-deny",
    "firewall-drops",
    "firewall-rejects-ufw",
    "firewall-rejects-firewalld-without-ssh",
    "firewall-rejects-nftables",
    "user-not-allowed-by-allowusers",
    "firewall-drops-one-family-of-a-name",
    "firewall-rejects-with-tcp-reset",
    "firewall-rejects-firewalld-policy",
}
"""The others take most of half an hour."""

pytestmark = pytest.mark.containers


def each(scenarios: list[Scenario]) -> pytest.MarkDecorator:
    params = [
        pytest.param(one, id=one.name, marks=() if one.name in ALWAYS else pytest.mark.long)
        for one in scenarios
    ]
    return pytest.mark.parametrize("scenario", params, scope="module")


@pytest.fixture
def client(scenario: Scenario, testbed: Testbed, tmp_path: Path) -> Iterator[Client]:
    with testbed.host(scenario.image) as host:
        scenario.break_host(host)
        yield Client(scenario.dial, host, testbed, tmp_path)


@each([one for one in REPAIRABLE if one.name not in NOT_HERE])
def test_a_broken_host_is_repaired_once_and_can_be_taken_back(scenario: Scenario, client: Client) -> None:
    named = [word for cause in sorted(scenario.cause_ids) for word in ("--cause", cause)]
    proved = scenario.expect.confidence != "likely"
    mended_and_taken_back(client, scenario.expect.seconds, *(() if proved else named))


@each([one for one in REPAIRABLE if one.name in NOT_HERE])
def test_what_the_kernel_does_not_let_a_container_change_fails_and_changes_nothing(
    scenario: Scenario, client: Client
) -> None:
    broken = state_of(client.host)
    exit_code, report = client.run("remediate", "--yes", seconds=scenario.expect.seconds)
    assert exit_code == 4, report["hosts"][0]["repair"]
    assert report["hosts"][0]["repair"]["outcome"] in ("failed", "rolled-back")
    assert differences(broken, state_of(client.host)) == []


@each(TO_BE_ASKED)
def test_what_may_have_been_meant_is_mended_only_when_it_is_named(scenario: Scenario, client: Client) -> None:
    seconds = scenario.expect.seconds
    broken = state_of(client.host)
    exit_code, report = client.run("remediate", "--yes", seconds=seconds)
    repair = report["hosts"][0]["repair"]
    assert (exit_code, repair["outcome"], report["hosts"][0].get("remedies", [])) == (1, "no-remedy", [])
    assert "--cause" in repair["detail"]
    assert differences(broken, state_of(client.host)) == []

    named = [word for cause in sorted(scenario.cause_ids) for word in ("--cause", cause)]
    mended_and_taken_back(client, seconds, *named)


@each(DENIED_BY_NAME)
def test_a_rule_that_denies_by_name_is_left_alone(scenario: Scenario, client: Client) -> None:
    broken = state_of(client.host)
    exit_code, report = client.run("remediate", "--yes", "--cause", "user-not-allowed", seconds=2)
    repair = report["hosts"][0]["repair"]
    assert (exit_code, repair["outcome"]) == (4, "failed")
    assert "DenyGroups" in repair["detail"]
    assert differences(broken, state_of(client.host)) == []


SETTLED = f"""
{NO_USER_MANAGER}
[ ! -d /run/systemd/system ] || until [ "$(systemctl is-active ssh)" != activating ]; do sleep 0.2; done
"""
"""A unit that fails is tried again a few times: until systemd gives up, its state changes by itself."""


def mended_and_taken_back(client: Client, seconds: int, *named: str) -> None:
    """``--check`` changes nothing, the remedy is proved, does nothing again, and undo is exact."""
    client.host.run(SETTLED)
    broken = state_of(client.host)

    exit_code, report = client.run("remediate", "--check", *named, seconds=seconds)
    checked = report["hosts"][0]["repair"]
    assert (exit_code, checked["outcome"], checked["detail"]) == (1, "checked", "")
    assert differences(broken, state_of(client.host)) == []

    exit_code, report = client.run("remediate", "--yes", *named, seconds=seconds)
    jsonschema.validate(report, SCHEMA)
    told = json.dumps({key: report["hosts"][0][key] for key in ("repair", "remedies", "causes")}, indent=2)
    keys = client.host.run("cat /etc/ssh/ssh_host_*_key.pub")
    renewed = keys != client.host.host_keys
    assert (exit_code, report["hosts"][0]["repair"]["outcome"]) == (int(renewed), "proved"), told
    if renewed:  # no client knows a key that is made anew: the report says so, a person accepts it
        assert [cause["id"] for cause in report["hosts"][0]["causes"]] == ["host-key-changed"]
        client = replace(client, host=replace(client.host, host_keys=keys))
    applied = {remedy["playbook"] for remedy in report["hosts"][0]["remedies"]}
    assert openssh.agrees("ok", client.says(seconds=seconds))
    if applied != {"unban-client"}:  # who bans is started anew beside us, and then an undo leaves it alone
        assert second_judge.faults(client.host, client.dial.port) == []
    repaired = state_of(client.host)

    exit_code, report = client.run("remediate", "--yes", seconds=15)  # however busy this machine is
    again = (exit_code, report["hosts"][0]["repair"]["outcome"])
    assert again == (0, "nothing-to-do"), json.dumps(report["hosts"][0], indent=2)
    assert differences(repaired, state_of(client.host)) == []

    exit_code, report = client.run("undo", "--yes", seconds=seconds)
    assert report["hosts"][0]["repair"]["outcome"] == "undone"
    assert applied & UNGUARDED or differences(broken, state_of(client.host)) == []
