"""One host that lies, among others."""

from __future__ import annotations

import json
import sys
import time

import pytest

from attacks.harness import Scene, run

pytestmark = pytest.mark.containers
JUNK = r"""
ip=$(readlink -f "$(command -v ip)"); mv $ip $ip.real
printf '#!/bin/sh\necho "1: lo inet dead.beef/8 x"\necho "2: eth0 inet 999.1.1.1/24 x"\n' >$ip
chmod 755 $ip
"""


def test_a_host_that_prints_junk_takes_no_other_host_with_it(systemd: Scene) -> None:
    systemd.host.run(JUNK)
    good = {**systemd.admin.variables, "ansible_port": 2200}
    hosts = {"bad": systemd.admin.variables, "good": good, "third": {**good, "ansible_port": 2201}}
    inventory = systemd.admin.folder / "inventory.yml"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
    started = time.monotonic()
    task = [sys.executable, "-m", "sshdoctor.cli", "diagnose", "--host", "all", "--inventory", str(inventory)]
    done = run([*task, "--format", "json", "--timeout", "3"])
    assert time.monotonic() - started < 60
    assert "Traceback" not in done.stderr
    reports = {report["host"]: report for report in json.loads(done.stdout)["hosts"]}
    assert [*reports] == ["bad", "good", "third"]
    assert {reply["reply"] for reply in reports["good"]["outside"]} == {"rst"}
    assert reports["good"]["checks"]
