"""A host with several faults is open after one run, for this client alone; a second run changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hosts import openssh, second_judge
from hosts.client import Client
from hosts.combinations import Combination, every_combination, load_faults
from hosts.scenario import Dial
from hosts.state import differences, state_of
from hosts.testbed import NO_USER_MANAGER, Testbed, TestHost

COMBINATIONS = every_combination()
ALWAYS = {one.name for one in COMBINATIONS[::30]}
"""The others take most of an hour."""

GREETS = "timeout 4 bash -c 'exec 3<>/dev/tcp/'$ADDRESS'/22 && head -c 4 <&3' 2>/dev/null || true"


def test_there_are_120_hosts_of_more_than_25_faults_each_of_another_kind() -> None:
    assert len({one.name for one in COMBINATIONS}) == 120
    assert len(load_faults()) >= 25
    assert {fault.name for fault in load_faults()} == {
        name for it in COMBINATIONS for name in it.name.split("+")
    }


@pytest.mark.containers
@pytest.mark.parametrize(
    "combination",
    [
        pytest.param(one, id=one.name, marks=() if one.name in ALWAYS else pytest.mark.long)
        for one in COMBINATIONS
    ],
)
def test_one_run_lets_this_client_in_and_nobody_else(
    combination: Combination, testbed: Testbed, tmp_path: Path
) -> None:
    with testbed.host(combination.image) as host, testbed.host() as other:
        host.run(f"{{\n{NO_USER_MANAGER}\n{combination.script}\n}} >/dev/null 2>&1")
        client = Client(Dial(), host, testbed, tmp_path)
        exit_code, report = client.run("remediate", "--yes", seconds=6)
        repair = report["hosts"][0]["repair"]
        assert repair["outcome"] == "proved", repair["detail"]
        keys = host.run("cat /etc/ssh/ssh_host_*_key.pub")
        client = replace(client, host=replace(host, host_keys=keys))
        assert openssh.agrees("ok", client.says(seconds=6))
        assert second_judge.faults(host) == []
        assert greeted(other, host) is not combination.shut

        repaired = state_of(host)
        exit_code, report = client.run("remediate", "--yes", seconds=6)
        assert (exit_code, report["hosts"][0]["repair"]["outcome"]) == (0, "nothing-to-do")
        assert differences(repaired, state_of(host)) == []


def greeted(other: TestHost, host: TestHost) -> bool:
    """Whether another machine gets the banner."""
    return other.run(GREETS, {"ADDRESS": host.address4}) == "SSH-"
