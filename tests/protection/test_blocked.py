"""The one figure: how many were banned, whatever restarts, rotates or moves the log in which it stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hosts.client import Client
from hosts.scenario import Dial
from hosts.testbed import Testbed, TestHost, open_testbed

pytestmark = [pytest.mark.containers, pytest.mark.long, pytest.mark.xdist_group("guarded")]

JAIL = """
printf '[sshd]\nenabled = true\nbackend = systemd\nbantime = 1h\nbanaction = nftables-multiport\n' \
  >/etc/fail2ban/jail.d/test.local
"""
STARTED = """
systemctl restart fail2ban
until fail2ban-client status sshd >/dev/null 2>&1; do sleep 0.1; done
"""
ROTATED = """
cd /var/log
[ ! -e fail2ban.log.1 ] || { gzip fail2ban.log.1; mv fail2ban.log.1.gz fail2ban.log.2.gz; }
mv fail2ban.log fail2ban.log.1
fail2ban-client flushlogs
"""
"""As logrotate does it by Debian's own file."""
LOGS = "printf '[Definition]\nlogtarget = {}\n' >/etc/fail2ban/fail2ban.local"


def _bans(host: TestHost, *numbers: int) -> None:
    for number in numbers:
        host.run(f"fail2ban-client set sshd banip 203.0.113.{number}")


def _blocked(host: TestHost, testbed: Testbed, folder: Path) -> int | None:
    _, report = Client(Dial(), host, testbed, folder).run("protection", seconds=6)
    found: int | None = report["hosts"][0]["attacks_blocked"]
    return found


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    with open_testbed(tmp_path_factory.mktemp("guarded"), ("guarded12", "guarded13")) as opened:
        yield opened


@pytest.mark.parametrize("image", ["guarded12", "guarded13"])
def test_it_is_kept_when_the_log_is_rotated_and_the_server_restarts(
    image: str, guarded: Testbed, tmp_path: Path
) -> None:
    with guarded.host(image) as host:
        host.run(JAIL + STARTED)
        _bans(host, 1, 2)
        host.run(ROTATED)
        _bans(host, 3)
        host.run(ROTATED + STARTED)  # who is banned is banned again: that is no other attack
        _bans(host, 4)
        assert _blocked(host, guarded, tmp_path) == 4


@pytest.mark.parametrize("target", ["SYSTEMD-JOURNAL", "SYSOUT", "/var/log/guard/bans.log"])
def test_it_is_counted_where_the_server_logs(target: str, guarded: Testbed, tmp_path: Path) -> None:
    with guarded.host("guarded12") as host:
        host.run(f"mkdir /var/log/guard; rm -f /var/log/fail2ban.log\n{LOGS.format(target)}\n{JAIL}{STARTED}")
        _bans(host, 1, 2, 3)
        assert _blocked(host, guarded, tmp_path) == 3


def test_it_is_not_known_where_no_log_is_left(guarded: Testbed, tmp_path: Path) -> None:
    with guarded.host("guarded12") as host:
        host.run(JAIL + STARTED)
        _bans(host, 1)
        host.run("rm /var/log/fail2ban.log*")
        assert _blocked(host, guarded, tmp_path) is None
