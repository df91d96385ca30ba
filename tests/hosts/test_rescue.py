"""A host with SSH firmly closed, and a person at its console: typing, pasting, copying."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from hosts.console import CLOSED, Console, Person
from hosts.testbed import Testbed

pytestmark = [pytest.mark.containers, pytest.mark.xdist_group("rescue")]


@pytest.fixture(scope="module")
def person(testbed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    with testbed.host() as host:
        host.run(CLOSED)
        someone = Person(host, tmp_path_factory.mktemp("person"))
        someone.carry(Path("/usr/bin/busybox"), "/usr/local/bin/busybox")
        yield someone


def timeless(report: Mapping[str, Any]) -> Any:
    """A report without what is another each time: how long it took, when, which way in, what to type."""
    kept = {
        name: value for name, value in report.items() if name not in ("access", "when", "outside", "next")
    }
    kept["outside"] = [{**reply, "elapsed_ms": None} for reply in report["outside"]]
    return json.loads(re.sub(r"after \d+\.\d ms", "after some time", json.dumps(kept)))


@pytest.mark.parametrize("name", [False, True], ids=["an address", "a name with two addresses"])
def test_a_capture_gives_the_report_that_a_live_look_gives(
    name: bool, person: Person, tmp_path: Path
) -> None:
    someone = Person(person.host, tmp_path)
    if name:
        someone.dials_a_name_with_both_addresses()
    script = tmp_path / "rescue.sh"
    assert someone.run("rescue", "--output", str(script)).returncode == 0
    someone.carry(script, "/root/rescue.sh")
    someone.host.run("sh /root/rescue.sh >/dev/null; mv /tmp/sshdoctor.*/capture /root/capture")
    someone.fetch("/root/capture", tmp_path / "capture")
    told = someone.report("--capture", str(tmp_path / "capture"))
    live = someone.report(live=True)
    assert [cause["id"] for cause in live["causes"]] == ["firewall-drops", "sshd-stopped"]
    assert live["causes"][0]["confidence"] == "proved"
    assert len(live["outside"]) == 1 + name
    assert timeless(told) == timeless(live)
    assert (told["access"]["via"], told["access"]["privileged"]) == ("capture", True)
    assert next(check for check in told["checks"] if check["id"] == "mine")["summary"].strip() == "web1"


@pytest.mark.parametrize(
    "shell", [["bash", "--norc", "-i"], ["dash", "-i"], ["busybox", "sh", "-i"]], ids=" ".join
)
def test_the_script_is_pasted_into_a_shell_and_its_capture_copied_from_the_screen(
    shell: list[str], person: Person
) -> None:
    script = person.script()
    console = Console(person.host, *shell)
    try:
        console.type(script)
        shown = console.wait_for(r"--host web1 --capture FILE\s")
        verdict = shown[shown.index("sshdoctor: port 22 of") :]
        assert re.search(r"2 SSH daemon running\? +NO\s+-> systemctl restart ssh", verdict)
        assert re.search(r"3 Port 22 listening\? +NO", verdict)
        assert re.search(
            r"5 Firewall lets it in\? +LOOK.*\s+-> -A INPUT -p tcp -m tcp --dport 22 -j DROP", verdict
        )
        folder = re.search(r"The capture: (/\S+)/capture", shown)
        assert folder
        console.type(f"cat {folder[1]}/capture; echo; echo copied\n")
        screen = console.wait_for(r"\ncopied")
    finally:
        console.close()
    report = person.report("--capture", "-", text=screen)
    assert [cause["id"] for cause in report["causes"]] == ["firewall-drops", "sshd-stopped"]
    assert report["causes"][0]["confidence"] == "proved"
    assert not [note for note in report["notes"] if "not whole" in note]


def test_the_line_that_is_typed_brings_the_report(person: Person) -> None:
    command = person.command("rescue", "--serve", "--format", "json")
    with subprocess.Popen(
        command, cwd=person.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr and process.stdout
        line = ""
        while "wget" not in line:
            line = process.stderr.readline()
            assert line, process.returncode
        typed = line.strip()
        assert len(typed) < 70
        console = Console(person.host, "bash", "--norc", "-i")
        try:
            console.type(f"busybox {typed}\n")
            console.wait_for("The capture has arrived.")
            report = json.loads(process.stdout.read())["hosts"][0]
        finally:
            console.close()
            process.stderr.close()
    assert process.returncode == 1
    assert report["access"]["via"] == "capture"
    assert [cause["id"] for cause in report["causes"]] == ["firewall-drops", "sshd-stopped"]


def test_a_user_without_rights_gives_what_there_is_and_says_so(person: Person, tmp_path: Path) -> None:
    script = person.script()
    (tmp_path / "rescue.sh").write_text(script)
    person.carry(tmp_path / "rescue.sh", "/home/deploy/rescue.sh")
    person.host.run("su deploy -c 'sh /home/deploy/rescue.sh --plain' >/root/plain")
    person.fetch("/root/plain", tmp_path / "plain")
    report = person.report("--capture", str(tmp_path / "plain"))
    assert report["access"]["privileged"] is False
    assert any("Without root's rights" in note for note in report["notes"])
    firewall = next(check for check in report["checks"] if check["id"] == "firewall-accepts-ssh")
    assert firewall["status"] == "unknown"


def test_the_verdict_for_the_eye_changes_with_what_is_there(testbed: Testbed, tmp_path: Path) -> None:
    with testbed.host() as host:
        someone = Person(host, tmp_path)
        (tmp_path / "rescue.sh").write_text(someone.script())
        someone.carry(tmp_path / "rescue.sh", "/root/rescue.sh")

        def seen() -> str:
            return re.sub(" +", " ", host.run("sh /root/rescue.sh"))

        healthy = seen()
        assert "1 SSH server installed? yes, /usr/sbin/sshd" in healthy
        assert "2 SSH daemon running? yes" in healthy
        assert "3 Port 22 listening? yes" in healthy
        assert "4 Right host, port, user? nothing wrong" in healthy
        assert "5 Firewall lets it in? no rule is seen" in healthy
        host.run("echo 'Port 2222' >>/etc/ssh/sshd_config; systemctl restart ssh; userdel deploy")
        host.run("nft add table inet t; nft add chain inet t c '{type filter hook input priority 0;}'")
        host.run("nft add rule inet t c tcp dport 22 reject; iptables -A INPUT -p tcp --dport 122 -j DROP")
        host.run("iptables -A INPUT -p tcp --dport 22 -j DROP")
        moved = seen()
        assert "3 Port 22 listening? NO" in moved
        assert "4 Right host, port, user? sshd_config has port 2222; there is no user deploy" in moved
        assert "-> ssh -p 2222 instead of 22" in moved
        first = " -> -A INPUT -p tcp -m tcp --dport 22 -j DROP\n -> "
        assert f"LOOK, these name the port, or all (not judged here)\n{first}" in moved
        assert " -> tcp dport 22 reject\n" in moved
        host.run(
            "echo ListenAddress 127.0.0.1 >>/etc/ssh/sshd_config; sed -i '/^Port/d' /etc/ssh/sshd_config"
        )
        host.run("systemctl restart ssh; until ss -Hltn | grep -q 127.0.0.1:22; do sleep 0.1; done")
        assert "3 Port 22 listening? ONLY on the loopback address" in seen()
        host.run("apt-get -qq purge openssh-server >/dev/null 2>&1")
        gone = seen()
        assert "1 SSH server installed? NO, none is found\n -> apt install openssh-server" in gone
        assert "2 SSH daemon running? NO" in gone
