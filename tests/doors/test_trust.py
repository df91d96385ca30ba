"""A user CA is trusted beside the keys that there are, and logins prove it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from doors.real_host import DoorHost, door_host
from hosts.testbed import Testbed

pytestmark = pytest.mark.containers
TEAM = {"setup": "rm /root/.ssh/authorized_keys", "certificate": "principals ops-team, valid +1d"}


def trust(host: DoorHost, *extra: str) -> Mapping[str, Any]:
    return host.playbook("trust-user-ca", f"ca_file={host.folder / 'ca.pub'}", *extra)


def test_a_certificate_gets_in_beside_the_key(testbed: Testbed, tmp_path: Path) -> None:
    with door_host(testbed, tmp_path, TEAM) as host:
        report = trust(host, "ca_principals=deploy:ops-team,root:ops-team")
        assert report["repair"]["outcome"] == "proved", report
        assert "names ops-team, and is valid" in report["repair"]["forecast"]
        told = host.doors()["accounts"]
        assert told["deploy"]["ssh:22"] == [["cert"], ["key"], ["password"]]
        assert told["root"]["ssh:22"] == [["cert"]]
        assert ["cert"] not in told["ops"]["ssh:22"]
        assert host.host.run("stat -c '%U %a' /etc/ssh/sshdoctor-revoked-keys") == "root 644"


@pytest.mark.long
def test_what_is_set_already_is_kept_and_filled_in(testbed: Testbed, tmp_path: Path) -> None:
    """A second CA beside the first, whose certificates name accounts."""
    setup = "ssh-keygen -q -t ed25519 -N '' -f /root/first; cp /root/first.pub /etc/ssh/ca.pub\n"
    setup += "echo TrustedUserCAKeys /etc/ssh/ca.pub >/etc/ssh/sshd_config.d/20.conf; systemctl reload ssh"
    case = {"setup": setup, "certificate": "principals deploy, valid +1d"}
    with door_host(testbed, tmp_path, case) as host:
        refused = trust(host, "ca_principals=deploy:ops-team")
        assert (refused["exit"], refused["repair"]["outcome"]) == (4, "no-remedy")
        assert "name each by its account" in refused["repair"]["detail"]
        report = trust(host, "ca_principals=deploy")
        assert report["repair"]["outcome"] == "proved", report
        assert host.host.run("wc -l </etc/ssh/ca.pub") == "2"
        assert host.host.run("sshd -T | grep -i principalsfile") == "authorizedprincipalsfile none"
