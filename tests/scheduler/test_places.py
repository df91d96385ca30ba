"""Two workers in two networks: what a host does to one, and what a network does, tell themselves apart."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from scheduler.bed import HERE, PLACES, Bed, Network, bed, network

pytestmark = [pytest.mark.containers, pytest.mark.xdist_group("scheduler")]
SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text())
DROP = f"-s {PLACES['net-a']} -p tcp --dport 22 -j DROP"

MINE = """
title: mine
facts: [dialled]
run: echo of my own
causes: [{id: not-mine, when: run.status != 0, say: 'no', fix: 'no', latent: true}]
otherwise: "{{ run.output }}"
"""
"""A check of the person's own."""


class Places:
    """The two, and this machine, from which the command is typed."""

    def __init__(self, net: Network, bed: Bed) -> None:
        self.net, self.bed = net, bed

    def diagnose(self, folder: Path, *flags: str, **more: Any) -> Mapping[str, Any]:
        done = self.typed(folder, "--format", "json", *flags, **more)
        found: dict[str, Any] = json.loads(done.stdout)
        jsonschema.validate(found, SCHEMA)
        (report,) = found["hosts"]
        return dict(report)

    def typed(self, folder: Path, *flags: str, **more: Any) -> subprocess.CompletedProcess[str]:
        hosts = {"web1": {**self.net.login, **more}}
        (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}))
        command = [sys.executable, "-m", "sshdoctor.cli", "diagnose", "web1", "-i", "hosts.json", *flags]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=90, check=False)

    @property
    def all(self) -> tuple[str, ...]:
        return ("--scheduler", self.bed.address, "--all-places")


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    folder = tmp_path_factory.mktemp("places")
    with network(folder) as net, bed(folder, HERE) as made:
        for name, address in PLACES.items():
            made.work(name, net.spaces[name], address)
        yield Places(net, made)


@pytest.fixture(autouse=True)
def clean(places: Places) -> Iterator[None]:
    yield
    for name in places.net.spaces:
        places.net.space(name, "iptables -F")


def replies(report: Mapping[str, Any]) -> dict[str, str]:
    return {reply["from"]: reply["reply"] for reply in report["outside"]}


def told(report: Mapping[str, Any]) -> str:
    return " ".join(report["notes"])


def steady(report: Mapping[str, Any]) -> Any:
    """What is the same each time, and from everywhere."""
    checks = {check["id"]: (check["status"], check["causes"]) for check in report["checks"]}
    return report["verdict"], report["causes"], report["access"]["via"], checks


def test_a_worker_reports_what_this_machine_would(places: Places, tmp_path: Path) -> None:
    own = tmp_path / "sshdoctor_checks" / "daemon"
    own.mkdir(parents=True)
    (own / "mine.yml").write_text(MINE)
    here = places.diagnose(tmp_path)
    there = places.diagnose(tmp_path, "--scheduler", places.bed.address)
    assert steady(there) == steady(here)
    assert there["verdict"] == "healthy"
    assert next(check for check in there["checks"] if check["id"] == "mine")["summary"].strip() == "of my own"


def test_each_place_has_its_reply(places: Places, tmp_path: Path) -> None:
    report = places.diagnose(tmp_path, *places.all)
    assert (report["verdict"], replies(report)) == ("healthy", {"net-a": "ok", "net-b": "ok"})
    assert not [note for note in report["notes"] if "laces" in note]


def test_a_rule_of_the_host_against_one_place_is_no_fault_of_the_service(
    places: Places, tmp_path: Path
) -> None:
    places.net.space("target", f"iptables -A INPUT {DROP}")
    report = places.diagnose(tmp_path, *places.all)
    assert replies(report) == {"net-a": "silence", "net-b": "ok"}
    assert report["verdict"] != "healthy"
    assert "Reached from net-b, and not from net-a: the service runs." in told(report)
    text = " ".join(places.typed(tmp_path, *places.all).stdout.split())
    assert "Connection timed out (silence), asked from net-a; The login works (ok), asked from net-b" in text
    causes = re.findall(r"(\S+), possible", text)
    assert "firewall-drops" in causes and "host-down" not in causes, text


def test_a_network_that_lets_nothing_out_is_that_places(places: Places, tmp_path: Path) -> None:
    places.net.space("net-b", "iptables -A OUTPUT -p tcp --dport 22 -j DROP")
    report = places.diagnose(tmp_path, *places.all)
    assert replies(report) == {"net-a": "ok", "net-b": "silence"}
    assert "Reached from net-a, and not from net-b" in told(report)


def test_what_all_places_meet_is_the_hosts(places: Places, tmp_path: Path) -> None:
    places.net.space("target", "iptables -A INPUT -p tcp --dport 22 -j REJECT")
    report = places.diagnose(tmp_path, *places.all)
    assert replies(report) == dict.fromkeys(PLACES, "icmp-port-unreachable")
    assert "From all 2 places the same: icmp-port-unreachable." in told(report)


def test_no_password_stands_in_a_log(places: Places, tmp_path: Path) -> None:
    secrets = {"ansible_password": "correct-horse-7", "ansible_become_password": "battery-staple-8"}
    places.typed(tmp_path, *places.all, "-vvv", ansible_user="nobody", **secrets)
    for secret in secrets.values():
        assert secret not in places.bed.logs
    assert "Run out-of-band function 'who'" in places.bed.logs, "they do write logs"
