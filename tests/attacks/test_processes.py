"""Programs and processes of a user that call themselves by an SSH server's name."""

from __future__ import annotations

import pytest

from attacks.harness import NAME, Scene

pytestmark = pytest.mark.containers
HOME = f"/home/{NAME}"
HIS_SSHD = f"""
cat >{HOME}/f <<'END'
#!/bin/sh
id -u >>/tmp/ran
END
chmod 755 {HOME}/f
ln -sf /usr/bin/perl {HOME}/sshd
exec {HOME}/sshd -e '$0 = "{HOME}/f"; open C, ">", "/proc/self/comm"; print C "sshd"; close C; sleep 1000'
"""


def test_a_users_process_is_not_restarted_as_root_in_place_of_sshd(bare: Scene) -> None:
    bare.host.run("pkill -STOP -x sshd; rm /etc/init.d/ssh")
    with bare.attacker.doing(HIS_SSHD, f"pgrep -u {NAME} -x sshd"):
        his = bare.host.run(f"pgrep -u {NAME} -x sshd").strip()
        done = bare.admin.types("playbook", "restart-sshd", "--yes", "--guard", "10")
        assert bare.host.run("cat /tmp/ran 2>/dev/null || true") == "", done.stdout + done.stderr
        assert bare.host.run(f"pgrep -u {NAME} -x sshd").strip() == his
