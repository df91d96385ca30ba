"""Repairs that did harm on hosts of people, made again: each is mended now without it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hosts import openssh
from hosts.client import Client
from hosts.scenario import Dial
from hosts.state import differences, state_of
from hosts.testbed import NO_USER_MANAGER, Testbed
from remedy.guarded import GuardedHost

pytestmark = pytest.mark.containers

GLUED = """
sed -i '/^UsePAM/d' /etc/ssh/sshd_config
printf 'UsePAM yes' >>/etc/ssh/sshd_config
echo 'AddressFamily inet' >>/etc/ssh/sshd_config
systemctl restart ssh || true
"""
JAILED = """
printf '[DEFAULT]\nbackend = systemd\n[sshd]\nenabled = true\n' >/etc/fail2ban/jail.local
systemctl start fail2ban
until fail2ban-client ping >/dev/null 2>&1; do sleep 0.1; done
fail2ban-client set sshd banip $CLIENT4 >/dev/null
until iptables -S | grep -q -- "-s $CLIENT4"; do sleep 0.1; done
"""
OLD_ADDRESS = """
ufw default deny incoming
ufw allow from 198.51.100.250 to any port 22 proto tcp
ufw --force enable
"""
BANNED_NETWORK = """
systemctl start firewalld
until firewall-cmd --state >/dev/null 2>&1; do sleep 0.2; done
firewall-cmd --permanent --new-ipset=blacklist --type=hash:net
firewall-cmd --permanent --ipset=blacklist --add-entry=${CLIENT4%.*}.0/24
firewall-cmd --permanent --zone=drop --add-source=ipset:blacklist
firewall-cmd --reload
"""


@contextmanager
def broken(
    testbed: Testbed, folder: Path, script: str, image: str = "debian12", user: str = "root"
) -> Iterator[Client]:
    with testbed.host(image) as host:
        host.run(f"{{ {NO_USER_MANAGER}\n{script.strip()}\n}} >/dev/null 2>&1")
        yield Client(Dial(user=user), host, testbed, folder)


def repaired(client: Client) -> Mapping[str, Any]:
    exit_code, report = client.run("remediate", "--yes", seconds=4)
    host: Mapping[str, Any] = report["hosts"][0]
    assert (exit_code, host["repair"]["outcome"]) == (0, "proved"), host["repair"]
    assert openssh.agrees("ok", client.says(seconds=4))
    return host


def test_a_glued_line_becomes_the_two_that_it_was_and_nobody_is_locked_out(
    testbed: Testbed, tmp_path: Path
) -> None:
    with broken(testbed, tmp_path, GLUED) as client:
        client.host.run("usermod -p '!' deploy")
        repaired(client)
        assert "usepam yes" in client.host.run("sshd -T")
        deploy = Client(Dial(user="deploy"), client.host, testbed, tmp_path)
        assert openssh.agrees("ok", deploy.says(seconds=4))


def test_a_rollback_gives_fail2ban_its_ban_back(testbed: Testbed, tmp_path: Path) -> None:
    books = "fail2ban-client get sshd banip; fail2ban-client get sshd ignoreip"
    with broken(testbed, tmp_path, JAILED, "firewalls") as client:
        address = client.host.variables["CLIENT4"]
        before, held = state_of(client.host), client.host.run(books)
        guarded = GuardedHost(client.host)
        guarded.sabotage(
            f"fail2ban-client set sshd addignoreip {address}; fail2ban-client set sshd unbanip {address};"
            " fail2ban-client set sshd banip 192.0.2.77",
            seconds=15,
        )
        guarded.await_word("restored", minutes=2)
        journal = guarded.journal()
        assert sorted(client.host.run(books).split()) == sorted([*held.split(), "192.0.2.77"]), journal
        rules = [
            line
            for line in differences(before, state_of(client.host))
            if "192.0.2.77" not in line and " root/" not in f" {line[1:]}"
        ]
        assert rules == []
        assert "192.0.2.77" in client.host.run("iptables -S")
        client.host.run(f"fail2ban-client set sshd unbanip {address}")
        assert f"{address}/32" not in client.host.run("iptables -S")


@pytest.mark.parametrize("script", [OLD_ADDRESS, BANNED_NETWORK], ids=["an allow-list", "a set of networks"])
def test_only_this_client_is_let_in(script: str, testbed: Testbed, tmp_path: Path) -> None:
    with broken(testbed, tmp_path, script, "firewalls") as client, testbed.host() as other:
        repaired(client)
        knock = f"timeout 3 sh -c 'exec 3<>/dev/tcp/{client.host.address4}/22' 2>&1 || echo shut out"
        assert "shut out" in other.run(f'bash -c "{knock}"')
        assert "0.0.0.0/0" not in client.host.run("iptables -S ufw-user-input 2>/dev/null || true")


def test_undo_says_what_will_be_so_again(testbed: Testbed, tmp_path: Path) -> None:
    with broken(testbed, tmp_path, "iptables -A INPUT -p tcp --dport 22 -s $CLIENT4 -j DROP") as client:
        repaired(client)
        said = client.told("undo", seconds=3)
        assert f"then {client.host.variables['CLIENT4']} is shut out of" in said
        assert "filter INPUT rule 1: -A INPUT" in said
        assert "YOU ARE SHUT OUT AGAIN" in said
        assert "nobody is there to be asked" in said
        assert openssh.agrees("ok", client.says(seconds=4))
        client.told("undo", "--yes", seconds=3)
        assert openssh.agrees("silence", client.says(seconds=3))


def test_undo_says_what_the_rules_of_today_come_to(testbed: Testbed, tmp_path: Path) -> None:
    """Another rule lets the client in since: the one that comes back shuts nobody out."""
    rules = "iptables -A INPUT -p tcp --dport 22 -s $CLIENT4 -j DROP"
    with broken(testbed, tmp_path, rules) as client:
        repaired(client)
        client.host.run("iptables -I INPUT -s $CLIENT4 -j ACCEPT")
        said = client.told("undo", seconds=3)
        assert "SHUT OUT" not in said
        assert f"then lets in {client.host.variables['CLIENT4']}" in said
        client.told("undo", "--yes", seconds=3)
        assert openssh.agrees("ok", client.says(seconds=4))


TIMER = """
printf '#!/bin/sh\niptables -F INPUT\niptables -A INPUT -p tcp --dport 22 -s 192.0.2.0/24 -j ACCEPT\n' \
  >/usr/local/sbin/fw.sh
printf 'iptables -A INPUT -p tcp --dport 22 -j DROP\n' >>/usr/local/sbin/fw.sh
chmod +x /usr/local/sbin/fw.sh
printf '[Service]\nType=oneshot\nExecStart=/usr/local/sbin/fw.sh\n' >/etc/systemd/system/fw.service
printf '[Timer]\nOnBootSec=5\nOnUnitActiveSec=20min\n[Install]\nWantedBy=timers.target\n' \
  >/etc/systemd/system/fw.timer
systemctl daemon-reload
systemctl start fw.service
"""


def test_a_timer_that_writes_the_rules_again_is_named(testbed: Testbed, tmp_path: Path) -> None:
    with broken(testbed, tmp_path, TIMER) as client:
        report = repaired(client)
        said = [task["message"] for remedy in report["remedies"] for task in remedy["tasks"]]
        assert any("fw.timer (/usr/local/sbin/fw.sh)" in message for message in said)
