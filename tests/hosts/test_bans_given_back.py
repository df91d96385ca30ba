"""A ban that was lifted comes back with an undo and with a restore, in the rules and in its owner's book."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hosts import openssh
from hosts.client import Client
from hosts.scenario import Dial, load_scenarios
from hosts.testbed import Testbed
from remedy.guarded import GuardedHost

pytestmark = pytest.mark.containers

SCENARIOS = {scenario.name: scenario for scenario in load_scenarios()}
IN_THE_BOOK = {
    "client-banned-sshguard": "nft list set ip sshguard attackers",
    "client-banned-sshguard-iptables": "iptables -S sshguard",
    "client-banned-sshguard-ipset": "ipset list sshguard4",
    "client-banned-crowdsec": "cscli decisions list -o raw",
    "client-banned-shorewall": "iptables -S dynamic",
}
LIFTED = {
    "client-banned-sshguard": 'nft delete element ip sshguard attackers "{ $CLIENT4 }"',
    "client-banned-crowdsec": "cscli decisions delete --ip $CLIENT4;"
    ' nft delete element ip crowdsec crowdsec-blacklists "{ $CLIENT4 }"',
    "client-banned-shorewall": "shorewall allow $CLIENT4",
}
"""What a remedy does that dies then."""
SOON_OVER = """
printf '[DEFAULT]\nbackend = systemd\nbantime = 12\nbanaction = BANACTION\n[sshd]\nenabled = true\n' \
  >/etc/fail2ban/jail.local
systemctl start fail2ban
until fail2ban-client ping >/dev/null 2>&1; do sleep 0.1; done
fail2ban-client set sshd banip $CLIENT4 >/dev/null
until { iptables -S; nft list ruleset; ipset save; } | grep -qwF -- $CLIENT4; do sleep 0.1; done
"""


def each(names: Mapping[str, str]) -> pytest.MarkDecorator:
    params = [
        pytest.param(name, marks=() if name == "client-banned-sshguard" else pytest.mark.long)
        for name in names
    ]
    return pytest.mark.parametrize("name", params)


@contextmanager
def banned(name: str, testbed: Testbed, folder: Path) -> Iterator[Client]:
    scenario = SCENARIOS[name]
    with testbed.host(scenario.image) as host:
        if "sshguard" in name:  # the usual two minutes may be over before all is done
            host.run("echo BLOCK_TIME=600 >>/etc/sshguard/sshguard.conf")
        scenario.break_host(host)
        yield Client(scenario.dial, host, testbed, folder)


def repaired(client: Client) -> Mapping[str, Any]:
    exit_code, report = client.run("remediate", "--yes", seconds=3)
    host: Mapping[str, Any] = report["hosts"][0]
    assert (exit_code, host["repair"]["outcome"]) == (0, "proved"), host["repair"]
    assert openssh.agrees("ok", client.says(seconds=4))
    return host


def holds(client: Client, name: str) -> bool:
    """Whether the owner's book has the client's ban."""
    return client.host.variables["CLIENT4"] in client.host.run(IN_THE_BOOK[name])


@each(IN_THE_BOOK)
def test_an_undo_bans_the_client_again(name: str, testbed: Testbed, tmp_path: Path) -> None:
    with banned(name, testbed, tmp_path) as client:
        repaired(client)
        assert not holds(client, name)
        _, report = client.run("undo", "--yes", seconds=3)
        assert "not given back" not in report["hosts"][0]["repair"]["detail"]
        assert holds(client, name), client.host.run("cat /var/lib/sshdoctor/*/journal")
        assert openssh.agrees("silence", client.says(seconds=3))


@each(LIFTED)
def test_a_restore_bans_the_client_again(name: str, testbed: Testbed, tmp_path: Path) -> None:
    with banned(name, testbed, tmp_path) as client:
        guarded = GuardedHost(client.host)
        script = LIFTED[name].replace("$CLIENT4", client.host.variables["CLIENT4"])
        guarded.sabotage(script)
        guarded.await_word("restored")
        assert holds(client, name), guarded.journal()
        assert openssh.agrees("silence", client.says(seconds=3))


@pytest.mark.long
@pytest.mark.parametrize("action", ["iptables-multiport", "nftables-multiport", "iptables-ipset-proto6"])
def test_a_ban_that_has_ended_since_does_not_come_back(action: str, testbed: Testbed, tmp_path: Path) -> None:
    with testbed.host("firewalls") as host:
        host.run(f"{{ {SOON_OVER.strip()}\n}} >/dev/null 2>&1".replace("BANACTION", action))
        client = Client(Dial(), host, testbed, tmp_path)
        repaired(client)
        host.run("sleep 13")
        client.run("undo", "--yes", seconds=3)
        rules = host.run("iptables -S; nft list ruleset; ipset save 2>/dev/null || true")
        assert host.variables["CLIENT4"] not in rules, host.run("cat /var/lib/sshdoctor/*/journal")
        assert openssh.agrees("ok", client.says(seconds=4))


@pytest.mark.long
def test_a_tool_of_crowdsec_that_fails_is_told(testbed: Testbed, tmp_path: Path) -> None:
    with banned("client-banned-crowdsec", testbed, tmp_path) as client:
        client.host.run("systemctl stop crowdsec")
        exit_code, report = client.run("remediate", "--yes", seconds=3)
        repair = report["hosts"][0]["repair"]
        assert (exit_code, repair["outcome"]) == (4, "failed")
        assert "CrowdSec" in repair["detail"]
        assert "connect" in repair["detail"]

        client.host.run(
            "systemctl start crowdsec; until cscli decisions list >/dev/null 2>&1; do sleep 0.2; done"
        )
        repaired(client)
        client.host.run("systemctl stop crowdsec")
        _, report = client.run("undo", "--yes", seconds=3)
        assert "not given back: CrowdSec's ban" in report["hosts"][0]["repair"]["detail"]
