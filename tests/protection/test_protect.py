"""``protect`` on real hosts: who guesses is banned, the owner never, and all of it goes again."""

from __future__ import annotations

import logging
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import paramiko
import pytest

from hosts.client import Client
from hosts.scenario import Dial
from hosts.testbed import Testbed, TestHost
from protection.case import QUIET, has_address

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
    """Whether a connection from ``source`` gets the server's banner: asked of the kernel.

    A server of a busy machine may greet late: what the kernel took is waited for.
    """
    target = host.address6 if ":" in source else host.address4
    with suppress(OSError), socket.create_connection((target, port), 3, (source, 0)) as connection:
        connection.settimeout(20)
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
