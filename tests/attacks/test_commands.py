"""What a host says of itself stands in the commands that a person is told to type."""

from __future__ import annotations

import json

import pytest

from attacks.harness import Scene

pytestmark = pytest.mark.containers
LIE = r"""
mv /usr/bin/systemctl /usr/bin/systemctl.real
cat >/usr/bin/systemctl <<'END'
#!/bin/sh
case "$*" in
*Result*) /usr/bin/systemctl.real "$@" | sed 's/^Id=ssh.service/Id=ssh.service; touch PWN #/' ;;
*) exec /usr/bin/systemctl.real "$@" ;;
esac
END
chmod 755 /usr/bin/systemctl
"""


def test_a_unit_that_is_a_command_is_no_unit(systemd: Scene) -> None:
    systemd.host.run(f"systemctl stop ssh\n{LIE}")
    done = systemd.admin.asks("diagnose")
    assert "PWN" not in done.advice
    repaired = systemd.admin.asks("remediate", "--yes")
    assert systemd.host.run("ls / /root | grep PWN || true") == ""
    assert "PWN" not in json.dumps(repaired.report.get("remedies", []))
