"""``protect`` on real hosts: who guesses is banned, the owner never, and all of it goes again."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import paramiko
import pytest

from hosts.client import Client
from hosts.scenario import Dial
from hosts.testbed import Testbed, TestHost, open_testbed
from protection.case import GIVEN, PROXY, QUIET, cases, has_address, posted

pytestmark = pytest.mark.containers

BANNED = "fail2ban-client get sshd banip"
SET_UP = """
ls /etc/fail2ban /etc/fail2ban/*.d /etc/systemd/system/fail2ban.service.d 2>/dev/null | grep sshdoctor || true
nft list tables | grep f2b || true
"""


def guessed(host: TestHost, source: str, times: int, port: int = 22) -> None:
    """``times`` wrong passwords from one of this machine's addresses."""
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    target = host.address6 if ":" in source else host.address4

    def once(_: int) -> None:
        with (
            suppress(OSError, EOFError, paramiko.SSHException),
            socket.create_connection((target, port), 3, (source, 0)) as connection,
        ):
            transport = paramiko.Transport(connection)
            try:
                transport.start_client(timeout=8)
                transport.auth_password("root", "wrong")
            finally:
                transport.close()

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(once, range(times)))


def answers(host: TestHost, source: str, port: int = 22) -> bool:
    """Whether a connection from ``source`` gets the server's banner: asked of the kernel."""
    target = host.address6 if ":" in source else host.address4
    with suppress(OSError), socket.create_connection((target, port), 3, (source, 0)) as connection:
        connection.settimeout(3)
        return connection.recv(4) == b"SSH-"
    return False


def test_who_guesses_is_banned_and_its_owner_is_not(testbed: Testbed, tmp_path: Path) -> None:
    with testbed.host("firewalls") as host:
        host.run(QUIET)
        owner, other = host.variables["CLIENT4"], host.variables["NOBODY4"]
        has_address(other, host)
        client = Client(Dial(), host, testbed, tmp_path)
        assert client.run("protect", "--yes", seconds=6)[0] == 0
        code, report = client.run("protect", "--yes", seconds=6)
        assert (code, report["hosts"][0]["repair"]["outcome"]) == (0, "nothing-to-do")
        for source in (owner, other):
            guessed(host, source, 7)
        host.run(f"until {BANNED} | grep -q {other}; do sleep 0.1; done")
        assert (answers(host, owner), answers(host, other)) == (True, False)
        assert host.run(BANNED).split() == [other]
        assert client.run("protect", "--yes", "--off", seconds=6)[0] == 0
        assert (host.run(SET_UP), answers(host, other)) == ("", True)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    """Hosts with every engine, and archives of fail2ban."""
    images = ("guarded12", "guarded13", "banned11")
    with open_testbed(tmp_path_factory.mktemp("guarded"), images) as opened:
        yield opened


GONE = "dpkg --purge fail2ban >/dev/null 2>&1; rm -rf /etc/fail2ban; echo root:secret | chpasswd"
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
        code, report = client.run("protect", "--yes", seconds=6)
        assert code == 0, report["hosts"][0]["repair"]
        for source in (owner, other):
            guessed(host, source, times)
        host.run(f"until {BANNED} | grep -q {other}; do sleep 0.1; done")
        assert host.run(BANNED).split() == [other]
        assert not answers(host, other)
        if image != "guarded13":  # there sshd penalizes by itself for a while who failed so often
            assert answers(host, owner)
        assert client.run("protect", "--yes", "--off", seconds=6)[0] == 0
        assert (host.run(SET_UP), host.run(INSTALLED)) == ("", "config-files")


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
