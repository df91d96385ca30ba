"""Lines that a user writes into the log in the name of sshd."""

from __future__ import annotations

import pytest

from attacks.harness import Scene

pytestmark = pytest.mark.containers
FORGED = [
    "error: Bind to port 22 on 0.0.0.0 failed: Cannot assign requested address.",
    "error: Bind to port 22 on 0.0.0.0 failed: Address already in use.",
    "Main process exited, code=dumped, status=11/SEGV",
    "ssh.service: Start request repeated too quickly.",
    "Out of memory: Killed process 7 (sshd)",
]


@pytest.mark.parametrize("line", FORGED)
def test_what_a_user_logs_proves_nothing(systemd: Scene, line: str) -> None:
    systemd.host.run("systemctl stop ssh")
    without = systemd.admin.asks("diagnose")
    assert next(iter(without.causes)) == "sshd-stopped"
    systemd.attacker.run(
        f"logger -t 'sshd[4711]' '{line}'; logger -t sshd '{line}'; logger -t kernel '{line}'"
    )
    done = systemd.admin.asks("diagnose")
    assert done.causes == without.causes
    repaired = systemd.admin.asks("remediate", "--yes")
    assert repaired.report["repair"]["outcome"] == "proved"
    assert repaired.report["remedies"][0]["playbook"] == "start-sshd"
