"""Jump hosts and proxy commands, through real sshds."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from access.conftest import StartSshd
from access.servers import Sshd, failure_of, free_port, says_hello
from sshdoctor.access.ssh.connection import open_ssh
from sshdoctor.access.ssh.route import PROXY
from sshdoctor.errors import AccessError
from sshdoctor.model import Login

pytestmark = pytest.mark.containers


def test_a_jump_host_is_logged_in_to_and_passed_through(start_sshd: StartSshd) -> None:
    jump, target = start_sshd(), start_sshd()
    known = jump.folder / "both"
    known.write_text(jump.known_hosts.read_text() + target.known_hosts.read_text())
    (jump.folder / "authorized_keys").write_bytes((target.folder / "id.pub").read_bytes())
    login = target.login(jumps=(f"root@127.0.0.1:{jump.port}",), known_hosts=(str(known),))
    assert says_hello(login)


def test_the_key_of_a_jump_host_is_checked_too(start_sshd: StartSshd) -> None:
    jump, target = start_sshd(), start_sshd()
    failure = failure_of(target.login(jumps=(f"root@127.0.0.1:{jump.port}",)))
    assert failure.word == "host-key-unknown"
    assert failure.detail.startswith(f"at the jump host root@127.0.0.1:{jump.port}: ")


def test_a_port_that_is_closed_behind_a_jump_host_is_refused(start_sshd: StartSshd) -> None:
    jump = start_sshd()
    login = jump.login(port=free_port(), jumps=(f"root@127.0.0.1:{jump.port}",))
    with pytest.raises(AccessError) as caught:
        open_ssh(login, timeout=5)
    assert caught.value.word == "refused"


def test_a_jump_host_that_forwards_nothing_says_so(start_sshd: StartSshd) -> None:
    jump = start_sshd("AllowTcpForwarding no")
    with pytest.raises(AccessError) as caught:
        open_ssh(jump.login(jumps=(f"root@127.0.0.1:{jump.port}",)), timeout=5)
    assert (caught.value.word, "prohibited" in caught.value.detail) == ("session-closed", True)


def test_a_proxy_command_is_a_way_through(start_sshd: StartSshd) -> None:
    jump, target = start_sshd(), start_sshd()
    command = (
        f"ssh -F none -i {jump.folder}/id -o IdentitiesOnly=yes -o UserKnownHostsFile={jump.known_hosts} "
        f"-p {jump.port} -W %h:%p root@127.0.0.1"
    )
    assert says_hello(target.login(options={"proxycommand": command, "identitiesonly": "yes"}))


def test_a_proxy_command_that_fails_is_closed_before_the_banner(sshd: Sshd) -> None:
    failure = failure_of(sshd.login(options={"proxycommand": "exit 1"}))
    assert failure.word == "closed-before-banner"


def test_a_proxy_command_with_a_token_that_is_not_known_is_refused(sshd: Sshd) -> None:
    with pytest.raises(AccessError) as caught:
        open_ssh(sshd.login(options={"proxycommand": "nc %q"}), timeout=5)
    assert (caught.value.word, "%q" in caught.value.detail) == ("closed-before-banner", True)


def test_what_a_proxy_command_prints_before_it_ends_is_told(sshd: Sshd) -> None:
    failure = failure_of(sshd.login(options={"proxycommand": "printf 'This account is closed.\\n'"}))
    assert (failure.word, failure.stage) == ("closed-before-banner", PROXY)
    assert "This account is closed." in failure.detail


def test_a_proxy_command_may_hand_over_the_connection_that_it_made(
    start_sshd: StartSshd, tmp_path: Path
) -> None:
    target = start_sshd()
    dialler = tmp_path / "dial.py"
    dialler.write_text(
        "import socket, sys\n"
        "made = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
        "socket.send_fds(socket.socket(fileno=1), [b'x'], [made.fileno()])\n"
    )
    options = {"proxycommand": f"{sys.executable} {dialler} %h %p", "proxyusefdpass": "yes"}
    assert says_hello(target.login(options={**options, "identitiesonly": "yes"}))


def test_a_proxy_command_that_hands_over_nothing_has_failed(sshd: Sshd) -> None:
    with pytest.raises(AccessError) as caught:
        open_ssh(sshd.login(options={"proxycommand": "true", "proxyusefdpass": "yes"}), timeout=5)
    assert (caught.value.word, caught.value.stage) == ("closed-before-banner", PROXY)


def test_a_port_where_nobody_listens_is_refused() -> None:
    with pytest.raises(AccessError) as caught:
        open_ssh(Login(address="127.0.0.1", port=free_port()), timeout=5)
    assert caught.value.word == "refused"
