"""Real servers and hosts for the ways in."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from access.servers import Hostile, Sshd

if TYPE_CHECKING:
    from hosts.testbed import Testbed, TestHost

StartSshd = Callable[..., Sshd]

_SUDO_ASKS = """
echo 'deploy:correct horse $HOME "battery'"'"' staple' | chpasswd
echo 'deploy ALL=(ALL) ALL
Defaults:deploy timestamp_timeout=0' >/etc/sudoers.d/deploy
"""


@pytest.fixture
def start_sshd(tmp_path: Path) -> Iterator[StartSshd]:
    """Start sshds with options of one's own; all are stopped afterwards."""
    started: list[Sshd] = []

    def start(options: str = "", **more: str) -> Sshd:
        started.append(Sshd(tmp_path / f"sshd{len(started)}", options, **more))
        return started[-1]

    yield start
    for sshd in started:
        sshd.stop()


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    started = Sshd(tmp_path_factory.mktemp("sshd") / "one")
    yield started
    started.stop()


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    server = Hostile()
    yield server
    server.close()


@pytest.fixture(scope="module")
def host(testbed: Testbed) -> Iterator[TestHost]:
    """A container where ``deploy`` may use sudo, with a password that sudo asks for every time."""
    with testbed.host("debian12") as started:
        started.run(_SUDO_ASKS)
        yield started
