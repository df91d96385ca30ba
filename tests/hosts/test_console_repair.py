"""A host that nobody can enter is repaired at its console, by a script planned elsewhere from a capture."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hosts.console import CLOSED, Console, Person
from hosts.testbed import Testbed, TestHost

pytestmark = pytest.mark.containers
LOGIN = ["setsid", "--ctty", "--wait"]
STATE = "iptables-save | grep -v '^[#:]'; ip6tables-save | grep -v '^[#:]'; systemctl is-active ssh || true"


@contextmanager
def at_the_console(testbed: Testbed, folder: Path, *shell: str) -> Iterator[tuple[Person, Console]]:
    """A closed host, its captured state planned for, and a person in front of it with the script."""
    with testbed.host() as host:
        host.run(CLOSED)
        someone = Person(host, folder)
        (folder / "rescue.sh").write_text(someone.script())
        someone.carry(folder / "rescue.sh", "/root/rescue.sh")
        host.run("sh /root/rescue.sh >/dev/null; mv /tmp/sshdoctor.*/capture /root/capture")
        someone.fetch("/root/capture", folder / "capture")
        done = someone.run(
            "remediate",
            *("--capture", str(folder / "capture"), "--script", str(folder / "fix.sh"), "--guard", "15"),
        )
        assert done.returncode == 1, done.stderr
        assert "the plan was written as a script" in done.stdout
        assert host.run(STATE).split()[-1] == "inactive", "nothing is changed by writing it"
        someone.carry(folder / "fix.sh", "/root/fix.sh")
        console = Console(host, *shell)
        try:
            yield someone, console
        finally:
            console.close()


def planned(console: Console) -> str:
    console.type("sh /root/fix.sh\n")
    return console.wait_for(r"Carry it out\? \(yes or no\) ")


def is_open(host: TestHost) -> bool:
    return "inactive" not in host.run(STATE)


@pytest.mark.parametrize("shell", [[*LOGIN, "bash", "--norc", "-i"], ["dash", "-i"]], ids=" ".join)
def test_what_a_new_login_proves_is_kept_and_can_be_undone(
    shell: list[str], testbed: Testbed, tmp_path: Path
) -> None:
    with at_the_console(testbed, tmp_path, *shell) as (someone, console):
        before = someone.host.run(STATE)
        plan = planned(console)
        assert "1. open-firewall" in plan and "2. start-sshd" in plan
        console.type("yes\n")
        told = console.wait_for(r"Did it let you in\? ")
        assert re.search(r"changed +Unmask, enable and start the unit", told)
        assert f"ssh deploy@{someone.address}" in told
        assert someone.report("--outside-only")["outside"][0]["reply"] not in ("silence", "rst")
        console.type("yes\n")
        told = console.wait_for(r"5 Firewall lets it in\?.*\n")
        assert re.search(r"2 SSH daemon running\? +yes", told)
        undo = re.search(r"To undo it: (sh \S+ undo)", told)
        assert undo and is_open(someone.host)
        assert "undone" in someone.host.run(undo[1])
        assert someone.host.run(STATE) == before


def test_the_script_can_be_pasted(testbed: Testbed, tmp_path: Path) -> None:
    with at_the_console(testbed, tmp_path, *LOGIN, "bash", "--norc", "-i") as (someone, console):
        console.type((tmp_path / "fix.sh").read_text())
        console.wait_for(r"Carry it out\? \(yes or no\) ")
        console.type("yes\n")
        console.wait_for(r"Did it let you in\? ")
        console.type("yes\n")
        console.wait_for("Kept. To undo it:")
        assert is_open(someone.host)


@pytest.mark.parametrize("answer", ["no", "", "silence"])
def test_without_a_login_all_is_put_back(answer: str, testbed: Testbed, tmp_path: Path) -> None:
    with at_the_console(testbed, tmp_path, *LOGIN, "bash", "--norc", "-i") as (someone, console):
        before = someone.host.run(STATE)
        planned(console)
        console.type("yes\n")
        console.wait_for(r"Did it let you in\? ")
        assert is_open(someone.host)
        if answer == "silence":
            someone.host.run("until ls /var/lib/sshdoctor/*/restored; do sleep 0.2; done >/dev/null 2>&1")
            console.type("yes\n")
            console.wait_for("The time was over: it has been put back.")
        else:
            console.type(f"{answer}\n")
            console.wait_for("It was put back.")
        assert someone.host.run(STATE) == before


def test_a_plan_that_is_declined_changes_nothing(testbed: Testbed, tmp_path: Path) -> None:
    with at_the_console(testbed, tmp_path, *LOGIN, "bash", "--norc", "-i") as (someone, console):
        before = someone.host.run(STATE)
        planned(console)
        console.type("no\n")
        console.wait_for("Nothing was changed.")
        assert someone.host.run(STATE + "; ls -A /var/lib/sshdoctor 2>/dev/null || true") == before


def test_a_task_that_fails_is_told_and_all_is_put_back(testbed: Testbed, tmp_path: Path) -> None:
    with at_the_console(testbed, tmp_path, *LOGIN, "bash", "--norc", "-i") as (someone, console):
        someone.host.run("printf 'Nonsense yes\\n' >>/etc/ssh/sshd_config")  # since the plan was made
        before = someone.host.run(STATE)
        planned(console)
        console.type("yes\n")
        told = console.wait_for("It was put back.")
        assert re.search(r"FAILED +Prove that the configuration parses", told)
        assert "Bad configuration option: Nonsense" in " ".join(told.split()), told
        assert someone.host.run(STATE) == before


def test_without_a_terminal_or_without_root_nothing_is_asked_or_done(
    testbed: Testbed, tmp_path: Path
) -> None:
    with at_the_console(testbed, tmp_path, *LOGIN, "bash", "--norc", "-i") as (someone, _):
        host = someone.host
        assert "no terminal to ask at" in host.run("sh /root/fix.sh 2>&1 </dev/null || true")
        host.run("cp /root/fix.sh /home/deploy/fix.sh")
        assert "Only root can repair" in host.run("su deploy -c 'sh /home/deploy/fix.sh' 2>&1 || true")
        assert not is_open(host)
