"""Bad hosts: a report all the same; nothing executed here, nothing leaked, nothing left running there."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hosts.testbed import Testbed, TestHost, known_hosts_lines
from sshdoctor import facts

pytestmark = pytest.mark.containers
SCHEMA = Path(__file__).parents[2] / "docs" / "report.schema.json"
ESCAPE = "\x1b"


class Person:
    """Someone in front of a terminal, with an inventory that names one host."""

    def __init__(self, host: TestHost, testbed: Testbed, folder: Path) -> None:
        self.host, self.folder = host, folder
        known_hosts = folder / "known_hosts"
        known_hosts.write_text(known_hosts_lines(host.host_keys, host.address4))
        self.variables: dict[str, Any] = {
            "ansible_host": host.address4,
            "ansible_user": "deploy",
            "ansible_ssh_private_key_file": str(testbed.key),
            "sshdoctor_known_hosts": str(known_hosts),
        }

    def command(self, *flags: str) -> list[str]:
        inventory = self.folder / "inventory.yml"
        inventory.write_text(json.dumps({"all": {"hosts": {"web1": self.variables}}}))
        task = [sys.executable, "-m", "sshdoctor.cli", "diagnose", "--host", "web1"]
        return [*task, "--inventory", str(inventory), *flags]

    def diagnose(self, *flags: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*flags), capture_output=True, text=True, timeout=90, check=False)

    def report(self, *flags: str) -> Mapping[str, Any]:
        done = self.diagnose("--format", "json", *flags)
        assert done.stdout, done.stderr
        document = json.loads(done.stdout)
        jsonschema.validate(document, json.loads(SCHEMA.read_text()))
        hosts: list[Mapping[str, Any]] = document["hosts"]
        return hosts[0]

    def looks_in_by_podman(self) -> None:
        self.variables["sshdoctor_access"] = [{"connection": "podman", "container": self.host.container}]

    def checks(self, name: str, text: str) -> None:
        path = self.folder / "sshdoctor_checks" / "system" / f"{name}.yml"
        path.parent.mkdir(parents=True)
        path.write_text(text)


@pytest.fixture
def person(testbed: Testbed, tmp_path: Path) -> Iterator[Person]:
    with testbed.host() as host:
        yield Person(host, testbed, tmp_path)


def bashrc(text: str) -> str:
    return f"cat >/home/deploy/.bashrc <<'END'\n{text}\nEND\n"


def test_a_login_banner_and_a_noisy_bashrc_do_not_disturb(person: Person) -> None:
    person.host.run(
        bashrc("echo Welcome; echo '@@begin@@'; printf '\\033]0;title\\007'; fortune; echo oops >&2")
        + "echo '** authorized use only **' >/etc/issue.net\n"
        + "echo 'Banner /etc/issue.net' >>/etc/ssh/sshd_config; systemctl restart ssh"
    )
    report = person.report()
    assert (report["verdict"], report["causes"]) == ("healthy", [])
    assert report["access"]["via"] == "ssh"


def test_of_a_message_of_many_lines_only_the_first_is_fetched(person: Person) -> None:
    person.host.run(
        'perl -MSocket -e \'socket(S, AF_UNIX, SOCK_DGRAM, 0); connect(S, sockaddr_un("/dev/log"));'
        'send(S, "<38>sshd[7]: the first\\n" . "one of many\\n" x 1000, 0)\''
    )
    person.host.run("until journalctl -t sshd | grep -q 'one of many'; do sleep 0.1; done")
    fetched = person.host.run(facts.commands(["log"])["log.sshd"])
    assert re.search(r" sshd\[\d+\]: the first$", fetched, re.MULTILINE)
    assert "one of many" not in fetched


def test_a_shell_that_prints_the_whole_script_with_its_fences_does_not_confuse(person: Person) -> None:
    person.host.run(
        'printf \'#!/bin/bash\\nscript=$(cat)\\necho "$script"\\nexec /bin/sh -c "$script"\\n\' '
        ">/usr/local/bin/echoing\n"
        "chmod 755 /usr/local/bin/echoing; echo /usr/local/bin/echoing >>/etc/shells\n"
        "usermod -s /usr/local/bin/echoing deploy"
    )
    assert person.report()["verdict"] == "healthy"


PAINTED = r"""
title: A command that prints what steers a terminal
run: printf '\033[2J\033]0;owned\007{{ 7 * 7 }} {%% x %%}'
causes: [{id: painted, when: run.status == 0, say: "{{ run.output }}", latent: true}]
otherwise: o
"""


def test_escape_codes_and_templates_of_a_host_are_shown_spelled_out(person: Person) -> None:
    person.checks("painted", PAINTED)
    done = person.diagnose()
    assert done.returncode == 1
    assert ESCAPE not in done.stdout + done.stderr
    assert "\\x1b[2J\\x1b]0;owned\\x07{{ 7 * 7 }} {% x %}" in done.stdout


def test_a_session_that_hangs_is_given_up_and_the_next_way_in_is_used(person: Person) -> None:
    person.looks_in_by_podman()
    person.host.run(bashrc("sleep 1000"))
    started = time.monotonic()
    report = person.report("--timeout", "1")
    assert time.monotonic() - started < 60
    assert report["outside"][0]["reply"] == "session-closed"
    assert report["access"]["via"] == "podman"


def test_a_session_that_floods_is_cut_and_the_next_way_in_is_used(person: Person) -> None:
    person.looks_in_by_podman()
    person.host.run(bashrc("yes flood"))
    report = person.report()
    assert report["outside"][0]["reply"] == "session-closed"
    assert report["access"]["via"] == "podman"
    assert person.host.run("pgrep -x yes || true") == ""


def test_a_host_that_closes_half_way_leaves_the_rest_unknown(person: Person) -> None:
    person.host.run("printf '#!/bin/sh\\npkill -9 -u deploy\\n' >/usr/bin/journalctl")
    report = person.report()
    assert report["access"]["via"] == "ssh"
    unseen = [check["id"] for check in report["checks"] if check["status"] == "unknown"]
    assert unseen, "what came after the cut cannot be known"
    assert report["causes"] == []


def test_a_password_stands_in_no_output_not_even_when_it_is_refused(person: Person) -> None:
    secret = "hunter2-is-secret"  # noqa: S105  # made for this test
    del person.variables["ansible_ssh_private_key_file"]
    person.variables |= {
        "ansible_password": secret,
        "ansible_become": True,
        "ansible_become_password": secret,
    }
    for flags in ((), ("--format", "json")):
        done = person.diagnose(*flags)
        assert done.returncode in (1, 3)
        assert "auth-denied" in done.stdout
        assert secret not in done.stdout + done.stderr


def test_without_privileges_what_needs_them_is_unknown_and_why_is_said(person: Person) -> None:
    report = person.report()
    assert report["access"]["privileged"] is False
    firewall = next(c for c in report["checks"] if c["id"] == "firewall-accepts-ssh")
    assert (firewall["status"], "permitted" in firewall["summary"]) == ("unknown", True)
    assert (report["verdict"], report["causes"]) == ("healthy", [])


def test_with_sudo_everything_is_seen(person: Person) -> None:
    person.variables["ansible_become"] = True
    report = person.report()
    assert report["access"]["privileged"] is True
    assert {check["status"] for check in report["checks"]} == {"pass", "skipped"}


SLOW = """\
title: A command that takes its time
run: sleep 777
causes: [{id: slow, when: run.status == 1, say: s, latent: true}]
otherwise: o
"""


@pytest.mark.parametrize("way", ["ssh", "podman"])
def test_ctrl_c_leaves_nothing_running_on_the_host(person: Person, way: str) -> None:
    if way == "podman":
        person.looks_in_by_podman()
        person.host.run("iptables -A INPUT -p tcp --dport 22 -j REJECT")
    person.checks("slow", SLOW)
    process = subprocess.Popen(person.command(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        person.host.run("until pgrep -f '^sleep 777'; do sleep 0.1; done")
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Traceback" not in stderr
    assert stdout == ""
    assert person.host.run("pgrep -f '^sleep 777' || true") == ""
    assert person.host.run("grep -l ^SSHDOCTOR_RUN= /proc/[0-9]*/environ || true") == ""


def test_a_command_that_never_ends_is_cut_after_ten_seconds_and_reported_so(person: Person) -> None:
    person.checks("slow", SLOW)
    report = person.report()
    slow = next(check for check in report["checks"] if check["id"] == "slow")
    assert (slow["status"], "timed out" in slow["summary"]) == ("unknown", True)


def test_one_diagnosis_costs_the_host_one_connection_and_one_session(person: Person) -> None:
    person.host.run("sed -i 's/^#LogLevel.*/LogLevel VERBOSE/' /etc/ssh/sshd_config; systemctl restart ssh")
    assert person.report()["verdict"] == "healthy"
    log = person.host.run("journalctl -b -u ssh --no-pager")
    assert log.count("Connection from ") == 1
    assert log.count("Starting session: ") == 1


def test_with_only_some_checks_nothing_is_predicted(person: Person) -> None:
    person.variables["ansible_become"] = True
    report = person.report("--only", "firewall")
    assert {check["layer"] for check in report["checks"]} == {"firewall"}
    assert (report["verdict"], report["prediction"]) == ("healthy", None)


def test_another_known_hosts_file_changes_the_key_that_is_expected_and_nothing_else(person: Person) -> None:
    person.variables["ansible_become"] = True
    known_hosts = person.variables.pop("sshdoctor_known_hosts")
    assert person.report()["outside"][0]["reply"] == "host-key-unknown"
    report = person.report("--known-hosts", known_hosts)
    assert (report["verdict"], report["access"]["privileged"]) == ("healthy", True)
    assert len(report["access"]["tried"]) == 1


def test_a_key_that_nobody_here_knows_is_compared_with_the_hosts_own_by_another_way_in(
    person: Person,
) -> None:
    """Only what stands inside tells whether it may be accepted."""
    person.variables["sshdoctor_access"] = [{"connection": "podman", "container": person.host.container}]
    new = str(person.folder / "accepted")
    person.variables["sshdoctor_known_hosts"] = new
    own = person.report()
    assert (own["verdict"], "--accept-new-host-key" in own["next"][0]) == ("undecided", True)
    assert any("the host's own key" in note for note in own["notes"])
    person.host.run(
        "ssh-keygen -qt ed25519 -N '' -f /root/another; cp /usr/sbin/sshd /root/server; systemctl stop ssh;"
        " mkdir -p /run/sshd; /root/server -h /root/another"
    )
    other = person.report()
    assert not any("--accept-new-host-key" in command for command in other["next"])
    assert any("none of the keys in the host's own files" in note for note in other["notes"])


def test_a_key_that_is_accepted_makes_the_known_hosts_file_that_was_named(person: Person) -> None:
    del person.variables["sshdoctor_known_hosts"]
    new = person.folder / "accepted"
    report = person.report("--accept-new-host-key", "--known-hosts", str(new))
    assert (report["verdict"], len(new.read_text().splitlines())) == ("healthy", 1)
