"""A second step is required: proved with both factors, put back where it does not hold, and nobody is locked out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

import sshdoctor
from doors.real_host import DoorHost, door_host
from doors.real_logins import SECRET, Logins
from hosts.testbed import Testbed
from sshdoctor.doors.factors import listed

pytestmark = pytest.mark.containers
ENROLLED = f"""
for name in deploy root; do
  home=$(getent passwd $name | cut -d: -f6)
  printf '{SECRET}\\n" TOTP_AUTH\\n' >$home/.google_authenticator
  chown $name: $home/.google_authenticator
  chmod 400 $home/.google_authenticator
done
"""
KEY, BOTH = [["key"]], [["code", "key"]]


@pytest.fixture(autouse=True)
def codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SSH_ASKPASS says the code of now."""
    program, source = tmp_path / "says-the-code", Path(sshdoctor.__file__).parents[1]
    told = "from sshdoctor.commands.doors.codes import code_at; import time"
    program.write_text(
        f"#!/bin/sh\nPYTHONPATH={source} exec {sys.executable} -c '{told}; "
        f'print(code_at("{SECRET}", time.time()))\'\n'
    )
    program.chmod(0o700)
    monkeypatch.setenv("SSH_ASKPASS", str(program))


def ssh_doors(host: DoorHost, *accounts: str) -> list[Any]:
    told = host.doors()["accounts"]
    return [told[name]["ssh:22"] for name in accounts]


def by_logins(host: DoorHost, name: str) -> Any:
    return listed(Logins(host.host.address4, 22, name, {"key": host.key}).sets())


def test_key_and_code_are_required_of_one_account_and_of_no_other(testbed: Testbed, tmp_path: Path) -> None:
    with door_host(testbed, tmp_path, {"setup": ENROLLED}) as host:
        report = host.playbook("require-two-step", "two_step_accounts=deploy")
        assert report["repair"]["outcome"] == "proved", report
        assert by_logins(host, "deploy") == BOTH
        assert ["key"] in by_logins(host, "ops")
        assert ssh_doors(host, "deploy") == [BOTH]
