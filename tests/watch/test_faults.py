"""Real faults on real hosts, seen by real witnesses: the mail that comes names the cause."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from hosts.client import Client
from hosts.scenario import load_scenarios
from hosts.testbed import Testbed, TestHost
from sites.case import load_cases
from sites.run import laid_out
from sshdoctor.commands.demo.mailbox import plain_text
from watch.bed import Watched, far_away, watched_once, witnesses

pytestmark = [pytest.mark.containers, pytest.mark.xdist_group("watched faults")]

FAULTS: Mapping[str, Mapping[str, str]] = yaml.safe_load((Path(__file__).parent / "faults.yml").read_text())
SCENARIOS = {scenario.name: scenario for scenario in load_scenarios()}
CASES = {case.name: case for case in load_cases()}
FEW = ("firewall-rejects", "options-not-allowed")
"""The others take too long for every run."""


def each(service: str) -> pytest.MarkDecorator:
    marks = {name: () if name in FEW else pytest.mark.long for name in FAULTS[service]}
    return pytest.mark.parametrize("name", [pytest.param(name, marks=marks[name]) for name in marks])


@pytest.fixture(scope="module")
def far(testbed: Testbed) -> Iterator[dict[str, TestHost]]:
    with witnesses(testbed) as made:
        yield made


def inside(client: Client) -> dict[str, Any]:
    """The host of a scenario, as an inventory has it."""
    return {
        "ansible_host": client.dial.destination(client.host),
        "ansible_port": client.dial.port,
        "ansible_user": client.dial.user,
        "ansible_become": True,
        "ansible_ssh_private_key_file": str(client.key),
        "sshdoctor_known_hosts": str(client.known_hosts()),
        "sshdoctor_access": [{"connection": "podman", "container": client.host.container}],
    }


def assert_told(seen: Watched, word: str, causes: tuple[str, ...], lost: str = "") -> None:
    """Once, with the word, the cause and what to type now; ``lost``: which witness cannot look."""
    assert seen.states == ["suspected", "down"], (seen.lines, seen.said)
    assert seen.code == 1
    (mail,) = seen.mails
    text = plain_text(mail)
    assert mail["Subject"].endswith(f"({word})"), mail["Subject"]
    (cause,) = [line for line in text.splitlines() if line.startswith("Cause: ")]
    assert any(f" ({cause_id}, " in cause for cause_id in causes), text
    assert "Next: " in text, text
    assert "Seen bad by: here" in text and "far2" in text and "far3" in text, text
    assert ("Could not be asked" in text) == (f"Could not be asked: {lost}." in text) == bool(lost), text


@each("ssh")
def test_an_ssh_service_that_is_down_is_told_with_its_cause(
    name: str, testbed: Testbed, far: dict[str, TestHost], tmp_path: Path
) -> None:
    scenario = SCENARIOS[name]
    assert scenario.expect.cause is not None
    with testbed.host(scenario.image) as host:
        scenario.break_host(host)
        client = Client(scenario.dial, host, testbed, tmp_path)
        seen = watched_once(inside(client), far_away(testbed, far, tmp_path), tmp_path, prefix=client.prefix)
    assert_told(seen, FAULTS["ssh"][name], (scenario.expect.cause,))


@each("web")
def test_a_site_that_is_down_is_told_with_its_cause(
    name: str, testbed: Testbed, far: dict[str, TestHost], tmp_path: Path
) -> None:
    case = CASES[name]
    with laid_out(case, testbed, tmp_path) as desk:
        for witness in far.values():  # podman's own file: it is written, not replaced
            witness.run(f"cat >/etc/hosts <<'E'\n{(tmp_path / 'hosts').read_text()}E")
        web1 = yaml.safe_load(desk.inventory.read_text())["all"]["hosts"]["web1"]
        site = {**web1, "sshdoctor_sites": [desk.url]}
        flags = ["--service=web"]
        if (tmp_path / "ca.pem").exists():
            flags.append(f"--ca={tmp_path}/ca.pem")
        bind = f'mount --bind "{tmp_path}/hosts" /etc/hosts; exec "$@"'
        prefix = ("unshare", "--mount", "sh", "-ec", bind, "sh")
        seen = watched_once(
            site, far_away(testbed, far, tmp_path), tmp_path, *flags, prefix=prefix, environment=os.environ
        )
    encrypted = desk.url.startswith("https:")  # far1 has nothing that speaks TLS
    assert_told(seen, FAULTS["web"][name], case.causes, lost="far1" if encrypted else "")
