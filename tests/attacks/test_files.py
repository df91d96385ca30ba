"""Root is led to other files than it was sent to."""

from __future__ import annotations

import pytest

from attacks.harness import NAME, Scene

pytestmark = pytest.mark.containers
HOME = f"/home/{NAME}"
MODES = "stat -c '%a %U %n' /bin/bash /usr/bin/perl /etc/shadow /root/.ssh /root/.ssh/authorized_keys"


KEYS = f"{HOME}/.ssh/authorized_keys"


@pytest.mark.parametrize(
    "script",
    [
        f"perl swap.pl {KEYS} /bin/bash {KEYS}",
        f"perl swap.pl {HOME}/.ssh /root/.ssh {KEYS}",
        f"perl swap.pl {KEYS} /bin/bash",
        f"mkfifo fifo; ln fifo {KEYS}.other; perl swap.pl {KEYS} {HOME}/fifo {KEYS}",
    ],
    ids=["once it was read", "its folder", "all the time", "for a pipe"],
)
def test_a_file_that_is_swapped_for_a_link_while_it_is_mended(systemd: Scene, script: str) -> None:
    systemd.host.run(f"chmod 6777 {KEYS}; chmod 755 /root; chmod 644 /root/.ssh/authorized_keys")
    systemd.admin.variables.update(ansible_user=NAME, ansible_become=False)
    before = systemd.host.run(MODES)
    with systemd.attacker.doing(script, f"pgrep -u {NAME} perl"):
        for _ in range(3):
            systemd.admin.types(
                "remediate", "--yes", "--cause", "authorized-keys-permissions", "--guard", "10"
            )
            assert systemd.host.run(MODES) == before
            systemd.admin.types("undo", "--yes")
            assert systemd.host.run(MODES) == before
    assert systemd.attacker.run("bash -pc 'id -u'").strip() == "1001"


def test_without_an_attack_it_is_mended_and_no_set_user_bit_is_put_onto_it(systemd: Scene) -> None:
    systemd.host.run(f"chmod 6777 {KEYS}")
    systemd.admin.variables.update(ansible_user=NAME, ansible_become=False)
    done = systemd.admin.asks("remediate", "--yes", "--cause", "authorized-keys-permissions")
    assert done.report["repair"]["outcome"] == "proved"
    # Debian's sshd trusts the group that is an account's own.
    assert systemd.host.run(f"stat -c '%a %U' {KEYS}").strip() == f"775 {NAME}"
