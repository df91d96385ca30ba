"""``protect`` where fail2ban is not there yet, on three Debians; and where there is a site."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hosts.client import Client
from hosts.scenario import Dial
from hosts.testbed import Testbed, open_testbed
from protection.case import GIVEN, PROXY, QUIET, cases, has_address, posted
from protection.test_protect import BANNED, SET_UP, answers, guessed

pytestmark = pytest.mark.containers


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    """Hosts with every engine, and archives of fail2ban."""
    images = ("guarded12", "guarded13", "banned11")
    with open_testbed(tmp_path_factory.mktemp("guarded"), images) as opened:
        yield opened


def _until(holds: Callable[[], bool], seconds: int = 6) -> None:
    """Since OpenSSH 9.8 sshd itself refuses for a while who failed so often: not whom `protect` lets pass."""
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends
        time.sleep(2)


GONE = "dpkg --purge fail2ban >/dev/null 2>&1; rm -rf /etc/fail2ban; echo root:secret | chpasswd"
EXEMPT = "sshd -T | grep -i '^persourcepenaltyexemptlist' || true"
INSTALLED = "dpkg-query -W -f '${db:Status-Status}\n' fail2ban"


@pytest.mark.long
@pytest.mark.xdist_group("guarded")
@pytest.mark.parametrize(("image", "times"), [("guarded12", 100), ("guarded13", 12), ("banned11", 12)])
def test_it_is_installed_and_removed_again(image: str, times: int, guarded: Testbed, tmp_path: Path) -> None:
    with guarded.host(image) as host:
        host.run(GONE)
        owner, other = host.variables["CLIENT4"], host.variables["NOBODY4"]
        has_address(other, host)
        client = Client(Dial(), host, guarded, tmp_path)
        code, report = client.run("protect", "--check", seconds=6)
        repair = report["hosts"][0]["repair"]
        assert (code, repair["outcome"], repair["detail"], host.run(SET_UP)) == (0, "checked", "", "")
        code, report = client.run("protect", "--yes", seconds=6)
        assert code == 0, report["hosts"][0]["repair"]
        for source in (owner, other):
            guessed(host, source, times)
        host.run(f"until {BANNED} | grep -q {other}; do sleep 0.1; done")
        assert host.run(BANNED).split() == [other]
        assert not answers(host, other)
        _until(lambda: answers(host, owner))
        exempt = host.run(EXEMPT)
        assert (owner in exempt, other in exempt) == (image == "guarded13", False)
        assert client.run("protect", "--yes", "--off", seconds=6)[0] == 0
        assert (host.run(SET_UP), host.run(INSTALLED)) == ("", "config-files")
        assert owner not in host.run(EXEMPT)


@pytest.mark.long
@pytest.mark.xdist_group("guarded")
def test_guesses_at_a_site_are_banned_and_a_right_password_is_not(guarded: Testbed, tmp_path: Path) -> None:
    case = cases(GIVEN)["wp-answers-200"]
    page = "location = /wp-login.php { default_type text/html; return 200"
    right = "location = /right/wp-login.php { return 302 /wp-admin/; } " + page
    with guarded.host("guarded12") as host:
        for script in (QUIET, case.setup.replace(page, right)):
            host.run(script)
        other, third = host.variables["NOBODY4"], PROXY
        for address in (other, third):
            has_address(address, host)
        client = Client(Dial(), host, guarded, tmp_path)
        code, report = client.run("protect", "--yes", seconds=6)
        assert code == 0, report["hosts"][0]["repair"]
        for _ in range(14):
            posted((host.address4, 80), third, "/right/wp-login.php")
            posted((host.address4, 80), host.variables["CLIENT4"], "/wp-login.php")
        for _ in range(11):
            posted((host.address4, 80), other, "/wp-login.php")
        book = "fail2ban-client get sshdoctor-wp-login banip"
        host.run(f"until {book} | grep -q {other}; do sleep 0.1; done")
        assert host.run(book).split() == [other]
        assert (
            client.run("protect", "--yes", seconds=6)[1]["hosts"][0]["repair"]["outcome"] == "nothing-to-do"
        )
