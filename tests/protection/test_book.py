"""``allow`` and ``unban`` on a host with fail2ban: in every jail, and still so after its restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from hosts.client import Client
from hosts.scenario import Dial
from hosts.testbed import Testbed, TestHost

pytestmark = pytest.mark.containers

JAILS = """
printf '[DEFAULT]\nbackend = systemd\nbantime = 1h\n[sshd]\nenabled = true\n' >/etc/fail2ban/jail.local
printf '[recidive]\nenabled = true\nbackend = polling\n' >>/etc/fail2ban/jail.local
touch /var/log/fail2ban.log
systemctl start fail2ban
until fail2ban-client ping >/dev/null 2>&1; do sleep 0.1; done
for jail in sshd recidive; do fail2ban-client set $jail banip $NOBODY4 $NOBODY6 >/dev/null; done
"""
BOOK = "for jail in sshd recidive; do fail2ban-client get $jail {}; done"
AGAIN = "systemctl restart fail2ban; until fail2ban-client ping >/dev/null 2>&1; do sleep 0.1; done"


def said(host: TestHost, what: str) -> str:
    return host.run(BOOK.format(what))


def test_your_own_addresses_are_let_pass_in_every_jail(testbed: Testbed, tmp_path: Path) -> None:
    with testbed.host("firewalls") as host:
        host.run(JAILS)
        assert Client(Dial(), host, testbed, tmp_path).run("allow", "--yes", seconds=6)[0] == 0
        own = (host.variables["CLIENT4"], host.variables["CLIENT6"])
        assert [said(host, "ignoreip").split().count(each) for each in own] == [2, 2]


@pytest.mark.long
def test_it_lasts_and_is_taken_back(testbed: Testbed, tmp_path: Path) -> None:
    with testbed.host("firewalls") as host:
        host.run(JAILS)
        client = Client(Dial(), host, testbed, tmp_path)
        own = (host.variables["CLIENT4"], host.variables["CLIENT6"])
        other = (host.variables["NOBODY4"], host.variables["NOBODY6"])

        assert client.run("unban", "--yes", "--address", other[0], seconds=6)[0] == 0
        assert said(host, "banip").split() == [other[1]] * 2
        assert client.run("allow", "--yes", seconds=6)[0] == 0
        host.run(AGAIN)
        assert said(host, "banip").split() == [other[1]] * 2
        assert [said(host, "ignoreip").split().count(each) for each in own] == [2, 2]

        assert client.run("allow", "--yes", "--remove", "--address", own[0], seconds=6)[0] == 0
        assert [said(host, "ignoreip").split().count(each) for each in own] == [0, 2]
        host.run(AGAIN)
        assert [said(host, "ignoreip").split().count(each) for each in own] == [0, 2]
        client.told("undo", "--yes", seconds=6)
        assert [said(host, "ignoreip").split().count(each) for each in own] == [2, 2]
