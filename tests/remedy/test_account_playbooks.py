"""What the playbooks about accounts and logins must refuse, whatever they are given."""

from __future__ import annotations

import pytest

from hosts.testbed import Testbed as Bed
from remedy.applied import carried_out, ended
from sshdoctor.access.container import open_container

KEYS = "/home/deploy/.ssh/authorized_keys"
LINKS = {
    "file": f"ln -sf /root/.ssh/authorized_keys {KEYS}",
    "folder": "rm -r /home/deploy/.ssh; ln -s /root/.ssh /home/deploy/.ssh",
    "hard link": f"ln -f /root/.ssh/authorized_keys {KEYS}",
}
ROOTS = "stat -c '%U %a' /root/.ssh/authorized_keys /root/.ssh"

pytestmark = pytest.mark.containers


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
def test_a_user_is_not_given_roots_file_through_a_link(link: str, testbed: Bed) -> None:
    with testbed.host() as host:
        host.run(link)
        before = host.run(ROOTS)
        wrong = {
            "key_owners": [{"path": KEYS, "owner": "deploy"}],
            "key_modes": [],
            "account_home": "/home/deploy",
        }
        done = ended(open_container("podman", host.container), "restore-key-permissions", wrong)
        assert "by hand" in done.trouble
        assert host.run(ROOTS) == before


def test_a_home_that_is_itself_reached_through_a_link_is_mended(testbed: Bed) -> None:
    with testbed.host() as host:
        host.run("mv /home /srv/home; ln -s /srv/home /home; chmod 666 /home/deploy/.ssh/authorized_keys")
        modes = [{"path": KEYS, "mode": "go-w"}]
        wrong = {"key_owners": [], "key_modes": modes, "account_home": "/home/deploy"}
        assert carried_out(open_container("podman", host.container), "restore-key-permissions", wrong)
        assert host.run(f"stat -c %a {KEYS}").strip() == "644"


def test_the_file_of_a_shutdown_that_is_due_stays(testbed: Bed) -> None:
    with testbed.host() as host:
        host.run("touch /etc/nologin; mkdir -p /run/systemd/shutdown; touch /run/systemd/shutdown/scheduled")
        access = open_container("podman", host.container)
        done = ended(access, "remove-nologin", {"nologin_files": ["/etc/nologin"]})
        assert "shutdown" in done.trouble
        host.run("test -e /etc/nologin")


def test_unlocking_never_leaves_an_account_without_a_password(testbed: Bed) -> None:
    with testbed.host() as host:
        host.run("usermod --password '!' deploy")
        access = open_container("podman", host.container)
        known = {"ssh_user": "deploy", "account_locked_over_password": True}
        assert "no password to unlock" in ended(access, "open-account", known).trouble
        assert host.run("getent shadow deploy").split(":")[1] == "!"


def test_an_unlocked_account_has_the_password_from_before(testbed: Bed) -> None:
    with testbed.host() as host:
        host.run("echo deploy:correct-horse | chpasswd")
        before = host.run("getent shadow deploy")
        host.run("usermod --lock deploy")
        access = open_container("podman", host.container)
        assert carried_out(
            access, "open-account", {"ssh_user": "deploy", "account_locked_over_password": True}
        )
        assert host.run("getent shadow deploy") == before
