"""The playbooks about the firewall that nothing is forecast for."""

from __future__ import annotations

import pytest

from hosts.testbed import Testbed as Bed
from remedy.applied import carried_out, look
from sshdoctor.access.container import open_container
from sshdoctor.diagnosis.derived.path import Path as PacketPath
from sshdoctor.diagnosis.derived.path import path

IPTABLES = """
iptables -t nat -A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080
iptables -t nat -A PREROUTING -p tcp --dport 22 -m comment --comment "not 'here'" -j REDIRECT --to-ports 2222
"""
NFT = """
nft add table inet mine
nft add chain inet mine pre '{ type nat hook prerouting priority -100; }'
nft add rule inet mine pre tcp dport 80 redirect to :8080
nft add rule inet mine pre tcp dport 22 counter redirect to :2222
"""


@pytest.mark.containers
@pytest.mark.parametrize("rules", [IPTABLES, NFT], ids=["iptables", "nft"])
def test_the_rule_that_redirects_is_removed_and_no_other(rules: str, testbed: Bed) -> None:
    with testbed.host() as host:
        access = open_container("podman", host.container)
        host.run(rules)
        found, dial, client = look(access, host)
        way = path(dial, client, found["firewall"], found["addresses"], found["bans"])
        assert isinstance(way, PacketPath)
        assert way.removal is not None
        assert way.redirected_to == (host.address4, 2222)
        assert carried_out(access, "remove-redirect", way.removal.variables())
        found = look(access, host)[0]
        then = path(dial, client, found["firewall"], found["addresses"], found["bans"])
        assert isinstance(then, PacketPath)
        assert then.redirected_to is None
        assert "8080" in host.run("iptables-save -t nat; nft list ruleset")
        assert carried_out(access, "remove-redirect", way.removal.variables()) == []


@pytest.mark.containers
def test_a_jail_that_ignores_others_goes_on_to_ignore_them(testbed: Bed) -> None:
    with testbed.host("firewalls") as host:
        access = open_container("podman", host.container)
        host.run("""
            printf '[sshd]\nenabled = true\nbackend = systemd\nignoreip = 192.0.2.0/24 2001:db8::1\n' \
              >/etc/fail2ban/jail.d/defaults-debian.conf
            systemctl start fail2ban
            until fail2ban-client ping >/dev/null 2>&1; do sleep 0.1; done
            fail2ban-client set sshd banip $CLIENT4
        """)
        others = dict.fromkeys(("nft_element", "ipset_entry", "shorewall", "rule"), "")
        ban = {"by": "fail2ban", "jail": "sshd", **others}
        for address in (host.variables["CLIENT4"], host.variables["CLIENT6"]):
            unban = {**ban, "address": address, "client": address}
            unban |= dict.fromkeys(("jail_entry", "ignore_entry"), f"sshd={address}")
            assert carried_out(access, "unban-client", {"unbans": [unban]})
        assert host.run("fail2ban-client get sshd banip") == ""
        ignored = ("192.0.2.0/24", "2001:db8::1", host.variables["CLIENT4"], host.variables["CLIENT6"])
        for restart in ("true", "systemctl restart fail2ban; until fail2ban-client ping; do sleep 0.1; done"):
            said = host.run(f"{{ {restart}; }} >/dev/null 2>&1; fail2ban-client get sshd ignoreip")
            assert all(address in said for address in ignored)
