"""A dry run foretells what the repair comes to."""

from __future__ import annotations

from pathlib import Path

import pytest

from hosts.client import Client
from hosts.scenario import Dial
from hosts.testbed import Testbed

pytestmark = pytest.mark.containers


def test_a_stopped_daemon_whose_directory_went_with_it_is_foretold_to_start(
    testbed: Testbed, tmp_path: Path
) -> None:
    with testbed.host() as host:
        host.run("systemctl stop ssh; test ! -e /run/sshd")
        client = Client(Dial(), host, testbed, tmp_path)
        _, foretold = client.run("remediate", "--check", seconds=4)
        (remedy,) = foretold["hosts"][0]["remedies"]
        assert not [task for task in remedy["tasks"] if task["status"] == "failed"]
        assert any(task["status"] == "changed" for task in remedy["tasks"])
        assert host.run("systemctl is-active ssh || true") == "inactive"
