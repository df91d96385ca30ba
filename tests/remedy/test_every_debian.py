"""Every remedy works on every Debian: broken, repaired by the real command, entered by OpenSSH's own client.

A remedy that tests/hosts/test_remedies.py tries on a Debian (or without an init) is not tried there again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hosts import openssh
from hosts.client import Client
from hosts.scenario import Scenario, load_scenarios
from hosts.state import differences, state_of
from hosts.testbed import Testbed
from sshdoctor import services
from sshdoctor.diagnosis.setup import load_checks
from sshdoctor.documents.resources import shipped
from sshdoctor.remedy.playbook.load import load_playbooks
from sshdoctor.remedy.playbook.model import Playbook

DEBIANS = ("debian11", "debian12", "debian13")
NEVER_THERE = {
    ("make-privsep-directory", "debian11"): "where systemd runs, the unit makes the directory by itself",
    ("make-privsep-directory", "debian12"): "as above",
    ("make-privsep-directory", "debian13"): "as above",
    ("raise-conntrack-limit", "debian11"): "only the image with conntrack can fill the kernel's table",
    ("raise-conntrack-limit", "debian13"): "as above",
    (
        "reset-socket",
        "debian11",
    ): "its socket unit starts a daemon for each connection, whose failure is not its own",
}
"""Where the cause of a playbook cannot be brought about, and why."""

BETTER = {
    "remove-redirect": "nat-redirects-port",  # the first asks ss, which is not everywhere
    "restart-sshd": "sshd-config-not-loaded",  # Debian 13's sshd is not broken by the first
}
"""A scenario in place of the first."""

SCENARIOS = [scenario for scenario in load_scenarios() if scenario.cause_ids]


@dataclass(frozen=True, slots=True)
class Trial:
    playbook: Playbook
    scenario: Scenario
    image: str

    @property
    def name(self) -> str:
        return f"{self.playbook.id} on {self.image}: {self.scenario.name}"


def playbooks() -> Iterator[Playbook]:
    """Those for a live host that mend the usual service; those of sites have tests of their own."""
    checks = [one for one in load_checks([shipped("checks")]) if one.is_of(services.default())]
    causes = {rule.id for check in checks for rule in check.causes}
    for playbook in load_playbooks([shipped("playbooks")]):
        if playbook.remedy.on_disk != "only" and causes & {*playbook.remedy.mends}:
            yield playbook


def trials() -> Iterator[Trial]:
    """The first scenario of each playbook (or a better one), on the images where none is that can play it."""
    for playbook in playbooks():
        tried = [one for one in SCENARIOS if one.cause_ids <= {*playbook.remedy.mends}]
        left = [image for image in (*DEBIANS, "noinit") if image not in {_debian(one) for one in tried}]
        for image in left:
            able = [one for one in tried if _can_play(one, image)]
            able.sort(key=lambda one: one.name != BETTER.get(playbook.id))
            if able and (playbook.id, image) not in NEVER_THERE:
                yield Trial(playbook, able[0], image)


def _debian(scenario: Scenario) -> str:
    return "debian12" if scenario.image == "firewalls" else scenario.image


def _can_play(scenario: Scenario, image: str) -> bool:
    """Its break script needs nothing but what each Debian has; systemctl only where systemd runs."""
    return scenario.image in DEBIANS and (image != "noinit" or "systemctl" not in scenario.break_)


TRIALS = list(trials())


def test_every_playbook_is_tried_on_every_debian() -> None:
    for playbook in playbooks():
        tried = {_debian(one) for one in SCENARIOS if one.cause_ids <= {*playbook.remedy.mends}}
        tried |= {trial.image for trial in TRIALS if trial.playbook.id == playbook.id}
        never = {image for one, image in NEVER_THERE if one == playbook.id}
        assert {*DEBIANS} - tried == never, f"{playbook.id} is tried on {tried}"


@pytest.mark.long
@pytest.mark.containers
@pytest.mark.parametrize("trial", TRIALS, ids=[trial.name for trial in TRIALS])
def test_a_remedy_lets_the_client_in_and_does_nothing_again(
    trial: Trial, testbed: Testbed, tmp_path: Path
) -> None:
    scenario, seconds = trial.scenario, trial.scenario.expect.seconds
    causes = sorted(scenario.cause_ids) if trial.playbook.remedy.only_with_cause else []
    named = [word for cause in causes for word in ("--cause", cause)]
    with testbed.host(trial.image) as host:
        scenario.break_host(host)
        client = Client(scenario.dial, host, testbed, tmp_path)
        exit_code, report = client.run("remediate", "--yes", *named, seconds=seconds)
        told = json.dumps(report["hosts"][0], indent=2)
        assert (exit_code, report["hosts"][0]["repair"]["outcome"]) == (0, "proved"), told
        remedies = {remedy["playbook"]: remedy["mends"] for remedy in report["hosts"][0]["remedies"]}
        assert scenario.cause_ids <= {*remedies[trial.playbook.id]}, told
        assert openssh.agrees("ok", client.says(seconds=seconds))

        repaired = state_of(host)
        exit_code, report = client.run("remediate", "--yes", seconds=seconds)
        assert (exit_code, report["hosts"][0]["repair"]["outcome"]) == (0, "nothing-to-do")
        assert differences(repaired, state_of(host)) == []
