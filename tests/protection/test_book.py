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

SHARE = """
mkdir /etc/sshdoctor
cat >/etc/sshdoctor/share.nft <<'END'
table inet sshdoctor_share {
  set spared4 { type ipv4_addr; flags timeout; }
  set spared6 { type ipv6_addr; flags timeout; }
  set ssh_banned4 { type ipv4_addr; flags timeout; }
  set ssh_banned6 { type ipv6_addr; flags timeout; }
  chain arriving { type filter hook prerouting priority -300; }
}
END
nft -f /etc/sshdoctor/share.nft
"""
SHARED = "for set in ssh_banned4 ssh_banned6; do nft list set inet sshdoctor_share $set; done"


def _given(address: str) -> str:
    """Another host has given its ban."""
    family = 6 if ":" in address else 4
    return f"nft add element inet sshdoctor_share ssh_banned{family} '{{ {address} timeout 1h }}'\n"


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


@pytest.mark.long
def test_a_network_lets_go_each_that_is_banned_in_it_and_none_beside(
    testbed: Testbed, tmp_path: Path
) -> None:
    inside, beside = ("203.0.113.7", "203.0.113.8", "2001:db8:7::9"), ("203.0.114.7", "2001:db8:8::9")
    every = " ".join((*inside, *beside))
    with testbed.host("firewalls") as host:
        host.run(JAILS + f"for each in {every}; do fail2ban-client set sshd banip $each; done")
        host.run(SHARE + "".join(_given(each) for each in every.split()))
        client = Client(Dial(), host, testbed, tmp_path)
        networks = ("--address", "203.0.113.0/24", "--address", "2001:db8:7::/48")
        code, report = client.run("unban", "--yes", *networks, seconds=6)
        assert code == 0, report["hosts"][0]["repair"]
        banned = host.run("fail2ban-client get sshd banip").split()
        dropped = host.run(SHARED)
        for each in inside:
            assert each not in banned and each not in dropped
        for each in beside:
            assert each in banned and each in dropped


@pytest.mark.long
def test_whose_network_is_banned_is_told_so_and_nobody_else_is_let_in(
    testbed: Testbed, tmp_path: Path
) -> None:
    with testbed.host("firewalls") as host:
        host.run(JAILS + "fail2ban-client set sshd banip 203.0.113.0/24")
        client = Client(Dial(), host, testbed, tmp_path)
        code, report = client.run("unban", "--yes", "--address", "203.0.113.7", seconds=6)
        assert (code, report["hosts"][0]["repair"]["outcome"]) == (4, "no-remedy")
        assert "--address 203.0.113.0/24" in report["hosts"][0]["repair"]["detail"]
        assert "203.0.113.0/24" in host.run("fail2ban-client get sshd banip")
        both = ("--address", "203.0.113.7", "--address", "203.0.113.0/24")
        assert client.run("unban", "--yes", *both, seconds=6)[0] == 0
        assert "203.0.113.0/24" not in host.run("fail2ban-client get sshd banip")
