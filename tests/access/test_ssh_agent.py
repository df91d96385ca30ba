"""Keys in a real ssh-agent."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from access.servers import Sshd, make_key
from sshdoctor.access.base import LoginError
from sshdoctor.access.ssh.connection import open_ssh

pytestmark = pytest.mark.containers


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    path = tmp_path / "agent"
    process = subprocess.Popen(("ssh-agent", "-D", "-a", str(path)), stdout=subprocess.DEVNULL)
    while not path.is_socket():
        assert process.poll() is None
    monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
    yield
    process.terminate()
    process.wait()


def add(key: Path) -> None:
    subprocess.run(("ssh-add", "-q", str(key)), check=True)


@pytest.mark.usefixtures("agent")
def test_a_key_with_a_passphrase_is_used_through_the_agent(sshd: Sshd, tmp_path: Path) -> None:
    add(sshd.folder / "id")
    locked = tmp_path / "id"
    shutil.copy(sshd.folder / "id", locked)
    shutil.copy(sshd.folder / "id.pub", tmp_path / "id.pub")
    subprocess.run(("ssh-keygen", "-q", "-p", "-P", "", "-N", "secret", "-f", str(locked)), check=True)
    access = open_ssh(sshd.login(key_files=(str(locked),)), timeout=5)
    access.close()


@pytest.mark.usefixtures("agent")
def test_a_key_of_the_agent_alone_is_offered(sshd: Sshd) -> None:
    add(sshd.folder / "id")
    access = open_ssh(sshd.login(key_files=(), options={}), timeout=5)
    access.close()


@pytest.mark.usefixtures("agent")
def test_identitiesonly_keeps_the_agents_other_keys_back(sshd: Sshd, tmp_path: Path) -> None:
    add(sshd.folder / "id")
    other = make_key(tmp_path / "other")
    with pytest.raises(LoginError) as caught:
        open_ssh(sshd.login(key_files=(str(other),)), timeout=5)
    assert len(caught.value.failure.client_keys) == 1
