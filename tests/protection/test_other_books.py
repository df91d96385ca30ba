"""``allow`` and ``unban`` where sshguard, CrowdSec or hosts.deny bans."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hosts.client import Client
from hosts.scenario import Dial
from hosts.testbed import Testbed, open_testbed
from protection.case import GIVEN, QUIET, cases, filled

pytestmark = [pytest.mark.containers, pytest.mark.long, pytest.mark.xdist_group("guarded")]

OTHER = "192.0.2.77"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    """Hosts with every engine."""
    with open_testbed(tmp_path_factory.mktemp("guarded"), ("guarded12",)) as opened:
        yield opened


SSHGUARD = """
systemctl start sshguard; sleep 2
nft add element ip sshguard attackers "{ 192.0.2.77 }"; nft add element ip sshguard attackers "{ 192.0.2.78 }"
list=$(sed -n 's/^BLACKLIST_FILE=[0-9]*://p' /etc/sshguard/sshguard.conf); mkdir -p /var/lib/sshguard
if [ -z "$list" ]; then
  list=/var/lib/sshguard/blacklist.db
  echo "BLACKLIST_FILE=90:$list" >>/etc/sshguard/sshguard.conf
fi
printf '1700000000|100|4|192.0.2.77\n1700000000|100|4|192.0.2.78\n' >$list
printf 'sshd: 192.0.2.77\nsshd: 192.0.2.78\n' >>/etc/hosts.deny
"""
HELD = """
nft list set ip sshguard attackers; cat "$(sed -n 's/^BLACKLIST_FILE=[0-9]*://p' /etc/sshguard/sshguard.conf)"
cat /etc/hosts.deny
"""
ALLOWED = "cat $(sed -n 's/^WHITELIST_FILE=//p' /etc/sshguard/sshguard.conf) /etc/hosts.allow"


def test_sshguard_and_hosts_deny_let_go_and_let_pass(guarded: Testbed, tmp_path: Path) -> None:
    with guarded.host("guarded12") as host:
        host.run(QUIET)
        host.run(SSHGUARD)
        client = Client(Dial(), host, guarded, tmp_path)
        code, report = client.run("unban", "--yes", "--address", OTHER, seconds=6)
        assert code == 0, report["hosts"][0]["repair"]
        assert (host.run(HELD).count(OTHER), host.run(HELD).count("192.0.2.78")) == (0, 3)
        code, report = client.run("allow", "--yes", seconds=6)
        assert code == 0, report["hosts"][0]["repair"]
        own = host.variables["CLIENT4"], host.variables["CLIENT6"]
        assert [host.run(ALLOWED).count(f"{each}") for each in own] == [2, 2]
        assert client.run("allow", "--yes", "--remove", seconds=6)[0] == 0
        assert not [each for each in own if each in host.run(ALLOWED).split()]


def test_crowdsec_lets_go_and_lets_pass(guarded: Testbed, tmp_path: Path) -> None:
    case = cases(GIVEN)["crowdsec-docker-forward"]
    begun = case.setup[case.setup.index("rm -rf /var/lib/crowdsec/hub") :]
    with guarded.host("guarded12") as host:
        host.run(QUIET)
        host.run(filled(begun, host))
        host.run(f"cscli decisions add --ip {OTHER}")
        client = Client(Dial(), host, guarded, tmp_path)
        code, report = client.run("unban", "--yes", "--address", OTHER, seconds=6)
        assert code == 0, report["hosts"][0]["repair"]
        assert OTHER not in host.run("cscli decisions list -o raw")
        code, report = client.run("allow", "--yes", seconds=6)
        assert code == 0, report["hosts"][0]["repair"]
        host.run("systemctl restart crowdsec; sleep 5; systemctl is-active crowdsec")
        lists = host.run("cat /etc/crowdsec/parsers/s02-enrich/sshdoctor-*")
        assert host.variables["CLIENT4"] in lists and host.variables["CLIENT6"] in lists
        assert client.run("allow", "--yes", "--remove", seconds=6)[0] == 0
        assert host.run("ls /etc/crowdsec/parsers/s02-enrich").count("sshdoctor") == 0
