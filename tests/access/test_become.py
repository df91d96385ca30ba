"""sudo, on a real host, over SSH: what it costs when the password is right, wrong or missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from access.test_contract import PASSWORD
from sshdoctor.access.ssh.connection import SshAccess, open_ssh
from sshdoctor.model import Become, Login, Secret

if TYPE_CHECKING:
    from hosts.testbed import Testbed, TestHost

pytestmark = [pytest.mark.containers, pytest.mark.xdist_group("become")]

Open = Callable[..., SshAccess]


@pytest.fixture
def open_as_deploy(host: TestHost, testbed: Testbed, tmp_path: Path) -> Open:
    known = tmp_path / "known_hosts"
    known.write_text("".join(f"{host.address4} {line}\n" for line in host.host_keys.splitlines()))

    def open_it(become: Become | None = None, **changes: object) -> SshAccess:
        fields: dict[str, object] = {
            "address": host.address4,
            "port": 22,
            "user": "deploy",
            "key_files": (str(testbed.key),),
            "known_hosts": (str(known),),
        }
        login = Login(**(fields | changes))  # type: ignore[arg-type]  # the fields of Login, by name
        return open_ssh(login, become=become, timeout=10)

    return open_it


def test_the_password_of_a_login_works_where_no_key_does(open_as_deploy: Open) -> None:
    access = open_as_deploy(key_files=("/nonexistent",), password=Secret(PASSWORD))
    assert access.run("id -un", timeout=10).stdout == b"deploy\n"
    access.close()


def test_the_password_is_in_no_argument_and_no_environment(open_as_deploy: Open) -> None:
    access = open_as_deploy(Become(password=Secret(PASSWORD)))
    script = "id -u; cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'"
    seen = access.run(script, timeout=10).stdout
    access.close()
    assert seen.startswith(b"0\n")
    assert b"sshdoctor-" in seen  # the sudo of this very run is among what was looked at
    assert b"battery" not in seen


def test_a_wrong_password_is_tried_once_and_the_script_runs_without_privileges(
    open_as_deploy: Open, host: TestHost
) -> None:
    failures = "journalctl -q _COMM=sudo | grep -c 'authentication failure' || :"
    before = int(host.run(failures))
    access = open_as_deploy(Become(password=Secret("wrong")))
    assert access.privileges == "sudo: 1 incorrect password attempt"
    assert access.run("id -un", timeout=10).stdout == b"deploy\n"
    access.close()
    assert int(host.run(f"sleep 0.5; {failures}")) == before + 1


def test_no_password_where_one_is_needed_is_a_state_and_no_error(open_as_deploy: Open) -> None:
    access = open_as_deploy(Become())
    assert access.privileges == "sudo: a password is required"
    assert access.run("id -un", timeout=10).stdout == b"deploy\n"
    access.close()


def test_a_password_that_sudo_does_not_ask_for_never_reaches_the_script(
    open_as_deploy: Open, host: TestHost
) -> None:
    host.run("echo 'deploy ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/zz-free")
    access = open_as_deploy(Become(password=Secret("whatever")))
    output = access.run("id -u; cat", timeout=10)
    access.close()
    host.run("rm /etc/sudoers.d/zz-free")
    assert (output.stdout, output.status, output.error) == (b"0\n", 0, "")


def test_a_host_without_sudo_says_so(open_as_deploy: Open, host: TestHost) -> None:
    host.run("mv /usr/bin/sudo /usr/bin/sudo.away")
    access = open_as_deploy(Become())
    host.run("mv /usr/bin/sudo.away /usr/bin/sudo")
    assert "sudo" in access.privileges
    assert "not found" in access.privileges
    access.close()


def test_a_noisy_bashrc_stands_before_the_output_and_harms_nothing(
    open_as_deploy: Open, host: TestHost
) -> None:
    host.run("cd /home/deploy; (echo 'echo NOISE; echo LOUD >&2'; cat .bashrc) >b; cp b .bashrc")
    access = open_as_deploy()
    output = access.run("echo hello; sleep 100", timeout=1)
    access.close()
    assert output.stdout == b"NOISE\nhello\n"
    assert host.run("pgrep -c sleep || :") == "0"


def test_an_account_without_a_shell_answers_for_itself(open_as_deploy: Open, host: TestHost) -> None:
    host.run("usermod --shell /usr/sbin/nologin deploy")
    access = open_as_deploy()
    output = access.run("echo hello", timeout=10)
    access.close()
    host.run("usermod --shell /bin/bash deploy")
    assert (output.stdout, output.status) == (b"This account is currently not available.\n", 1)
