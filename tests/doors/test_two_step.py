"""A second step is required: proved with both factors, else put back, and nobody is locked out."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from doors.at_a_terminal import run_at_a_terminal
from doors.real_host import DoorHost, door_host, says_the_code
from doors.real_logins import SECRET, Logins
from doors.software_key import SoftwareKey
from hosts.engine import prepare_images
from hosts.testbed import Testbed
from sshdoctor.access.ssh.openssh import ask_openssh
from sshdoctor.access.ssh.with_code import login_with_code
from sshdoctor.commands.shared.doors.codes import code_at
from sshdoctor.doors.factors import listed
from sshdoctor.model import Login

pytestmark = pytest.mark.containers
ENROLLED = f"""
for name in deploy root; do
  home=$(getent passwd $name | cut -d: -f6)
  printf '{SECRET}\\n" TOTP_AUTH\\n' >$home/.google_authenticator
  chown $name: $home/.google_authenticator
  chmod 400 $home/.google_authenticator
done
"""
KEY, BOTH = [["key"]], [["code", "key"]]


@pytest.fixture(autouse=True)
def codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SSH_ASKPASS says the code of now."""
    monkeypatch.setenv("SSH_ASKPASS", str(says_the_code(tmp_path)))


def ssh_doors(host: DoorHost, *accounts: str) -> list[Any]:
    told = host.doors()["accounts"]
    return [told[name]["ssh:22"] for name in accounts]


def by_logins(host: DoorHost, name: str) -> Any:
    return listed(Logins(host.host.address4, 22, name, {"key": host.key}).sets())


def test_key_and_code_are_required_of_one_account_and_of_no_other(testbed: Testbed, tmp_path: Path) -> None:
    with door_host(testbed, tmp_path, {"setup": ENROLLED}) as host:
        report = host.playbook("require-two-step", "two_step_accounts=deploy")
        assert report["repair"]["outcome"] == "proved", report["repair"]["detail"]
        assert by_logins(host, "deploy") == BOTH
        assert ssh_doors(host, "deploy", "ops") == [BOTH, [["key"], ["password"]]]


@pytest.mark.long
def test_root_is_asked_for_a_code_though_passwords_of_root_are_prohibited(
    testbed: Testbed, tmp_path: Path
) -> None:
    with door_host(testbed, tmp_path, {"setup": ENROLLED}) as host:
        report = host.playbook("require-two-step", "two_step_accounts=root,deploy", "two_step_also=su")
        assert report["repair"]["outcome"] == "proved", report["repair"]["detail"]
        assert by_logins(host, "root") == by_logins(host, "deploy") == BOTH
        assert ["key"] in by_logins(host, "ops")
        told = host.doors()["accounts"]
        assert told["deploy"]["su"] == [["code", "password"]]
        assert told["ops"]["su"] == [["password"]]
        gone = host.playbook("require-two-step", "two_step_accounts=root,deploy", "two_step_remove=true")
        assert gone["repair"]["outcome"] == "proved", gone
        assert by_logins(host, "root") == KEY
        assert "sshdoctor" not in host.host.run("cat /etc/pam.d/sshd /etc/ssh/sshd_config.d/*")


def test_a_plan_that_leaves_an_account_no_door_is_refused(testbed: Testbed, tmp_path: Path) -> None:
    setup = f"{ENROLLED}\nchmod 644 /home/deploy/.google_authenticator; rm -r /home/ops/.ssh"
    with door_host(testbed, tmp_path, {"setup": setup}) as host:
        before = host.host.run("cat /etc/pam.d/sshd; ls /etc/ssh/sshd_config.d")
        for name in ("deploy", "ops"):
            report = host.playbook("require-two-step", f"two_step_accounts={name}")
            assert report["repair"]["outcome"] == "no-remedy"
            assert f"no door of SSH to {name}" in report["repair"]["detail"]
            assert report["exit"] == 4
        assert host.host.run("cat /etc/pam.d/sshd; ls /etc/ssh/sshd_config.d") == before


@pytest.mark.long
def test_what_both_factors_do_not_prove_is_put_back(testbed: Testbed, tmp_path: Path) -> None:
    """The phone has another secret than the host."""
    setup = ENROLLED.replace(SECRET, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    with door_host(testbed, tmp_path, {"setup": setup}) as host:
        report = host.playbook("require-two-step", "two_step_accounts=deploy")
        assert report["repair"]["outcome"] == "rolled-back", report
        assert "both factors together got" in report["repair"]["detail"]
        assert by_logins(host, "deploy") == [["key"], ["password"]]
        assert "sshdoctor" not in host.host.run("cat /etc/pam.d/sshd /etc/ssh/sshd_config.d/* || true")


def test_who_has_no_secret_is_shown_one_and_confirms_it_first(testbed: Testbed, tmp_path: Path) -> None:
    def shown(said: str) -> str:
        key = re.findall(r"Key: ([A-Z2-7 ]+)", said)[-1].replace(" ", "")
        return code_at(key, time.time())

    with door_host(testbed, tmp_path, {"setup": ""}) as host:
        words = ["playbook", "require-two-step", "--host", "web1", "-e", "two_step_accounts=deploy"]
        exit_code, said = run_at_a_terminal(
            [*words, "--inventory", str(host.inventory())],
            [
                (r"Apply require-two-step\?", lambda said: "y"),
                (r"The code that the app shows now: ", lambda said: "000000"),
                (r"The code that the app shows now: ", shown),
            ],
            seconds=120,
        )
        assert exit_code == 0, said
        assert "not a code of this key" in said
        drawn = re.findall(r"\x1b\[30;47m(.*?)\x1b\[0m", said)
        assert "\u2588\u2588\u2588" in "".join(drawn)
        assert max(map(len, drawn)) <= 80
        assert len(re.findall(r"^ +\d{8}\r?$", said, re.M)) == 5
        secret = host.host.run("head -n 1 /home/deploy/.google_authenticator")
        assert host.host.run("stat -c '%U %a' /home/deploy/.google_authenticator") == "deploy 400"
        assert host.host.run(f"grep -rl {secret} /var/lib/sshdoctor /var/log /etc || true") == ""
        assert said.count(secret) == 0  # in groups of four, where a person reads it
        scratch = re.findall(r"^ +(\d{8})\r?$", said, re.M)[0]
        login = login_of(host)
        assert [login_with_code(login, scratch, 4) for _ in "12"] == ["ok", "auth-denied"]


@pytest.mark.long
@pytest.mark.parametrize("image", ["factors11", "factors13"])
def test_it_is_the_same_on_other_debians(image: str, testbed: Testbed, tmp_path: Path) -> None:
    """On Debian 11 sshd asks everybody questions or nobody: no other may get a door by that."""
    setup = ENROLLED + "echo PasswordAuthentication no >/etc/ssh/sshd_config.d/60.conf; systemctl reload ssh"
    others = replace(testbed, images={**testbed.images, **prepare_images([image])})
    with door_host(others, tmp_path, {"setup": setup}, image=image) as host:
        report = host.playbook("require-two-step", "two_step_accounts=root,deploy")
        assert report["repair"]["outcome"] == "proved", report["repair"]["detail"]
        if image == "factors13":  # it shuts out who fails so often as these logins do
            host.host.run("echo PerSourcePenalties no >/etc/ssh/sshd_config.d/70.conf; systemctl restart ssh")
        assert by_logins(host, "deploy") == by_logins(host, "root") == BOTH
        assert by_logins(host, "ops") == KEY


@pytest.mark.long
def test_a_security_key_gets_in_only_with_its_pin(
    testbed: Testbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = SoftwareKey()
    setup = f"echo '{token.line}' >>/home/deploy/.ssh/authorized_keys"
    with door_host(testbed, tmp_path, {"setup": setup}) as host, token.agent(tmp_path / "agent") as agent:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(agent))
        report = host.playbook("require-two-step", "two_step_accounts=deploy", "two_step_by=security-key")
        assert report["repair"]["outcome"] == "proved", report["repair"]["detail"]
        assert ssh_doors(host, "deploy") == [[["security-key"]]]
        login = login_of(host)
        assert answer_of(login) == "ok"
        token.verified = False
        assert answer_of(login) == "auth-denied"


def answer_of(login: Login) -> str:
    answer = ask_openssh(login, 4)
    assert answer is not None
    return answer.word


def login_of(host: DoorHost) -> Login:
    return Login(
        address=host.host.address4,
        port=22,
        user="deploy",
        key_files=(str(host.key),),
        known_hosts=(str(host.folder / "known_hosts"),),
    )
