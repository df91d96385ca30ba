"""``protect --share`` on real hosts: whom one has banned finds silence at the others; nobody else does."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hosts.testbed import Testbed, TestHost
from protection.case import QUIET, has_address
from protection.group import inventory_of, outcomes, ran
from protection.test_protect import BANNED, answers, guessed

pytestmark = pytest.mark.containers

TABLE = "inet sshdoctor_share"
JAIL = """
printf '[sshd]\nenabled = true\nbackend = systemd\nbantime = 10m\nbanaction = nftables-multiport\n' \
  >/etc/fail2ban/jail.d/test.local
systemctl restart fail2ban
until fail2ban-client status sshd >/dev/null 2>&1; do sleep 0.1; done
"""
LEFT = "nft list tables | grep sshdoctor || true; ls -d /etc/sshdoctor /etc/sshdoctor/* 2>/dev/null || true"


@dataclass(frozen=True)
class Group:
    first: TestHost
    second: TestHost
    inventory: Path

    def shares(self, *flags: str) -> subprocess.CompletedProcess[str]:
        return ran(self.inventory, "protect", "--share", "--yes", *flags)


@pytest.fixture
def group(testbed: Testbed, tmp_path: Path) -> Iterator[Group]:
    """Two hosts on which fail2ban guards SSH, and on which sharing is set up."""
    with ExitStack() as stack:
        hosts = {name: stack.enter_context(testbed.host("firewalls")) for name in ("web1", "web2")}
        for host in hosts.values():
            host.run(QUIET + JAIL)
            for family in "46":
                has_address(host.variables[f"NOBODY{family}"], host)
        found = Group(hosts["web1"], hosts["web2"], inventory_of(hosts, testbed, tmp_path))
        assert outcomes(found.shares()) == ["proved", "proved"]
        yield found


def bans(host: TestHost, *addresses: str) -> None:
    for address in addresses:
        host.run(f"fail2ban-client set sshd banip {address}")


def elements(host: TestHost, name: str) -> list[dict[str, Any]]:
    said = json.loads(host.run(f"nft -j list set {TABLE} {name}"))
    found = next(each["set"].get("elem", []) for each in said["nftables"] if "set" in each)
    return [each["elem"] for each in found]


def held(host: TestHost, name: str = "ssh_banned4") -> list[str]:
    """The addresses in a set of the kernel's."""
    return [each["val"] for each in elements(host, name)]


def left(host: TestHost, address: str) -> int:
    """The seconds for which an address was given."""
    return next(int(each["timeout"]) for each in elements(host, "ssh_banned4") if each["val"] == address)


def test_whom_one_host_has_banned_finds_silence_at_the_other(group: Group) -> None:
    attacker, owner = group.first.variables["NOBODY4"], group.first.variables["CLIENT4"]
    guessed(group.first, attacker, 7)
    group.first.run(f"until {BANNED} | grep -q {attacker}; do sleep 0.1; done")
    assert answers(group.second, attacker)
    done = group.shares()
    assert (done.returncode, outcomes(done)) == (0, ["nothing-to-do", "nothing-to-do"])
    assert (answers(group.second, attacker), answers(group.second, owner)) == (False, True)
    assert "web2: drops 1 that others have banned" in done.stderr
    assert attacker not in done.stdout + done.stderr
    told = json.loads(ran(group.inventory, "protection", of="web2").stdout)["hosts"][0]
    assert told["shared"] == {"ssh": 1, "web": 0}
    assert group.second.run(BANNED) == ""  # nor is it given back, as a ban of the second's own
    group.first.run(f"fail2ban-client set sshd unbanip {attacker}")
    group.shares()
    assert answers(group.second, attacker)


HOSTILE = """
cat >/srv/claims <<'END'
#!/bin/sh
echo '[{"name":"sshd","ports":["22"],"passes":[],"asks":false,"bans":['
seq 0 99999 | awk -v o='"' '{ printf "[" o "198.18.%d.%d" o ",999999999],", $1 / 256 % 256, $1 % 256 }'
printf '["0.0.0.0/0",600],["%s",600],["%s",600],["%s",600]]}]' "$CLIENT4" "$CLIENT6" "$PEER"
END
tr -d '\n' </srv/claims >/dev/null
chmod 755 /srv/claims
printf '#!/srv/claim\n' >/usr/local/bin/fail2ban-client
printf '#!/bin/sh\nsh /srv/claims | tr -d "\\n"\n' >/srv/claim
chmod 755 /srv/claim /usr/local/bin/fail2ban-client
"""


@pytest.mark.long
def test_nobody_who_is_allowed_is_dropped_and_a_ban_ends_when_it_ends(group: Group) -> None:
    first, second = group.first, group.second
    owner, owner6 = first.variables["CLIENT4"], first.variables["CLIENT6"]
    attacker = first.variables["NOBODY4"]
    friend, private = "192.0.2.44", "10.9.8.7"
    second.run(f"fail2ban-client set sshd addignoreip {friend}")
    bans(first, attacker, owner, owner6, friend, private, second.address4, "203.0.113.0/24", "192.0.2.45")
    with socket.create_connection((second.address4, 22), 3, (attacker, 0)) as stands:
        group.shares()  # its owner is banned on the first, and goes in by the other way
        assert sorted(held(second)) == ["192.0.2.45", attacker]
        assert held(second, "ssh_banned6") == []
        assert stands.recv(4) == b"SSH-"  # what was let in goes on
    assert not answers(second, attacker)
    assert answers(second, owner)
    assert answers(second, owner6)
    assert 0 < left(second, attacker) <= 600  # as in the jail
    second.run(f"nft delete element {TABLE} ssh_banned4 '{{ {attacker} }}'")
    second.run(f"nft add element {TABLE} ssh_banned4 '{{ {attacker} timeout 8s }}'")
    assert not answers(second, attacker)
    time.sleep(8)
    assert answers(second, attacker)


@pytest.mark.long
def test_a_host_that_claims_whatever_it_likes_harms_nobody(group: Group) -> None:
    group.first.run(HOSTILE, {**group.first.variables, "PEER": group.second.address4})
    done = group.shares()
    assert done.returncode == 0, done.stderr
    names = [f"{service}_banned{family}" for service in ("ssh", "web") for family in "46"]
    assert [len(held(group.second, name)) for name in names] == [1000, 0, 0, 0]
    owners = [group.second.variables[name] for name in ("CLIENT4", "CLIENT6")]
    assert all(answers(group.second, owner) for owner in owners)


@pytest.mark.long
def test_who_is_dropped_is_told_why_and_let_in_again(group: Group, testbed: Testbed) -> None:
    first, second, attacker = group.first, group.second, group.first.variables["NOBODY4"]
    bans(first, attacker)
    group.shares()
    assert not answers(second, attacker)
    assert ran(group.inventory, "unban", "--yes", "--address", attacker, of="web2").returncode == 0
    assert answers(second, attacker)
    group.shares()  # the first holds it still
    assert answers(second, attacker)


@pytest.mark.long
def test_it_goes_again_and_nothing_is_left(group: Group) -> None:
    attacker = group.first.variables["NOBODY4"]
    bans(group.first, attacker)
    group.shares()
    assert not answers(group.second, attacker)
    undone = ran(group.inventory, "undo", "--yes", of="web2")
    assert outcomes(undone) == ["undone"]
    assert "left alone" not in undone.stdout
    assert (group.second.run(LEFT), answers(group.second, attacker)) == ("", True)
    group.first.run("nft delete table inet sshdoctor_share")  # as a reboot does
    assert outcomes(group.shares()) == ["nothing-to-do", "proved"]
    assert group.first.run("nft list tables | grep -c sshdoctor") == "1"
    assert not answers(group.second, attacker)
    assert outcomes(group.shares("--off")) == ["proved", "proved"]
    assert (group.first.run(LEFT), group.second.run(LEFT)) == ("", "")
    assert outcomes(group.shares("--off")) == ["nothing-to-do", "nothing-to-do"]
