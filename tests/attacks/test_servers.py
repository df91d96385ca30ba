"""A server of a user's that calls itself sshd."""

from __future__ import annotations

import pytest

from attacks.harness import Scene

pytestmark = pytest.mark.containers
HIS_SERVER = "ln -sf /usr/bin/perl sshd; exec ./sshd server.pl 2222"
LISTENS = "ss -Hltn | grep -q :2222"


@pytest.mark.parametrize(
    ("broken", "cause"),
    [
        ("systemctl stop ssh", "sshd-stopped"),
        ("systemctl stop ssh; echo Prot 22 >>/etc/ssh/sshd_config", "sshd-config-invalid"),
        ("DEBIAN_FRONTEND=noninteractive apt-get -qq purge openssh-server", "openssh-server-missing"),
        ("systemctl stop ssh; systemctl mask ssh", "sshd-masked"),
    ],
)
def test_nobody_is_sent_to_it_and_the_cause_is_the_one_without_it(
    systemd: Scene, broken: str, cause: str
) -> None:
    systemd.host.run(broken)
    without = systemd.admin.asks("diagnose")
    assert next(iter(without.causes)) == cause
    with systemd.attacker.doing(HIS_SERVER, LISTENS):
        done = systemd.admin.asks("diagnose")
    assert next(iter(done.causes.items())) == (cause, without.causes[cause])
    assert "2222" not in done.advice
    assert "ssh-port-mismatch" not in done.causes
