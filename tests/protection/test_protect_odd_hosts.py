"""``protect`` on hosts that are not as one would wish: a bad jail of their own, an owner who is banned."""

from __future__ import annotations

from pathlib import Path

import pytest

from hosts.client import Client
from hosts.scenario import Dial
from hosts.state import differences, state_of
from hosts.testbed import Testbed
from protection.case import QUIET
from protection.test_protect import BANNED, SET_UP, answers

pytestmark = [pytest.mark.containers, pytest.mark.long]

BAD = {
    "a log that is not there": "[postfix]\nenabled = true\nlogpath = /nowhere/mail.log",
    "no such filter": "[own]\nenabled = true\nfilter = nowhere\nlogpath = /etc/passwd\nbackend = polling",
}


@pytest.mark.parametrize("jail", BAD)
def test_one_bad_jail_stops_all_so_nothing_of_ours_stays(jail: str, testbed: Testbed, tmp_path: Path) -> None:
    with testbed.host("firewalls") as host:
        host.run(QUIET)
        host.run(f"printf '{BAD[jail]}\n' >/etc/fail2ban/jail.d/own.local")
        before = state_of(host)
        code, report = Client(Dial(), host, testbed, tmp_path).run("protect", "--yes", seconds=6)
        assert (code, report["hosts"][0]["repair"]["outcome"]) == (4, "rolled-back")
        assert differences(before, state_of(host)) == []


def test_who_is_locked_out_takes_it_away_by_another_way_in(testbed: Testbed, tmp_path: Path) -> None:
    with testbed.host("firewalls") as host:
        host.run(QUIET)
        client, owner = Client(Dial(), host, testbed, tmp_path), host.variables["CLIENT4"]
        assert client.run("protect", "--yes", seconds=6)[0] == 0
        host.run(
            f"fail2ban-client set sshd banip {owner}; until {BANNED} | grep -q {owner}; do sleep 0.1; done"
        )
        assert not answers(host, owner)
        code, report = client.run("protect", "--yes", "--off", seconds=6)
        assert code == 0, report["hosts"][0]["repair"]
        assert (host.run(SET_UP), answers(host, owner)) == ("", True)
