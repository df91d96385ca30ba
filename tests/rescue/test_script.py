"""The rescue script itself: what it says, in which shells, and with what few tools."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from rescue.conftest import NAME, OWN, Rescue, make_script, run_script
from sshdoctor import facts
from sshdoctor.access.capture.capture import Capture, read_capture
from sshdoctor.diagnosis.captured import read_capture_facts
from sshdoctor.diagnosis.setup import Wanted
from sshdoctor.facts.probe import split_output
from sshdoctor.inventory import load_hosts
from sshdoctor.model import Host, Login, Reply, Unknown
from sshdoctor.rescue.script import LONGEST_LINE, addresses_asked, longest_line, rescue_script

REPLY = Reply(address="127.0.0.1", family="ipv4", port=1, word="rst", source="127.0.0.1")
ENOUGH = "base64 cat cut date grep gzip head id mkdir readlink rm sed sh sleep tail timeout tr true uname wc"


def inner(script: Path) -> str:
    """What the function of the script holds."""
    function, _, _ = script.read_text().partition("sshdoctor_sum=")
    return subprocess.run(
        ["sh"], input=f"{function}sshdoctor_rescue", capture_output=True, text=True, check=True
    ).stdout


def run_in(folder: Path, command: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
    environment = {"TMPDIR": str(folder), "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        command, input=text, capture_output=True, text=True, cwd=folder, env=environment, check=False
    )


def identity(capture: Capture, host: Host) -> object:
    recalled = read_capture_facts(host, [REPLY], ["identity"], {}, capture, now=capture.taken)
    return recalled.answer.views[0].facts["identity"]


def sections_asked() -> tuple[str, ...]:
    return ("client.seen", "check.mine", *facts.commands(facts.names()))


@pytest.mark.parametrize("shell", ["dash", "bash", "bash --posix", "busybox sh"])
def test_it_runs_in_every_shell(shell: str, rescue: Rescue, tmp_path: Path) -> None:
    shown, lines = run_script(rescue.script, shell.split(), tmp_path)
    capture = read_capture(lines.encode(), "sent")
    assert (capture.lost, capture.mended) == ("", "")
    sections = split_output(capture.output, capture.asked.mark, names := sections_asked())
    assert [name for name in names if sections[name].cut] == []
    assert not isinstance(identity(capture, rescue.host), Unknown)
    assert str(next(tmp_path.glob("sshdoctor.*"))) in shown


def test_it_brings_back_who_was_asked_for_and_who_answered(rescue: Rescue) -> None:
    capture = read_capture(rescue.lines.encode(), "sent")
    asked = capture.asked
    assert (asked.host, asked.name, asked.port, asked.user) == (NAME, "127.0.0.1", 1, "root")
    assert [(seat.address, seat.client) for seat in asked.seats] == [("127.0.0.1", "")]
    assert capture.hostname == os.uname().nodename
    assert "127.0.0.1" in capture.addresses
    assert capture.root == (os.geteuid() == 0)
    assert abs(capture.taken - time.time()) < 300


def test_shellcheck_has_nothing_to_say_about_it(rescue: Rescue, tmp_path: Path) -> None:
    body = tmp_path / "inner.sh"
    body.write_text("#!/bin/sh\n" + inner(rescue.script))
    done = subprocess.run(
        ["shellcheck", "--shell=sh", rescue.script, body], capture_output=True, text=True, check=False
    )
    assert done.stdout == ""


def test_it_can_be_pasted(host: Host, tmp_path: Path) -> None:
    text = make_script(tmp_path, host, own={}).read_text()
    assert text.isascii()
    assert not re.search(r"[^\n -~]", text), "a tab completes, a control character does worse"
    assert longest_line(text) <= LONGEST_LINE


def test_what_a_person_sees_fits_on_a_screen_in_plain_letters(rescue: Rescue, tmp_path: Path) -> None:
    shown, _ = run_script(rescue.script, ["sh"], tmp_path)
    assert re.fullmatch(r"[\n -~]*", shown)
    rows = shown.splitlines()
    assert len(rows) < 24
    path = str(tmp_path)
    assert max(len(row.replace(path, "/tmp")) for row in rows) < 80  # noqa: S108  # only counted
    for number in range(1, 6):
        assert re.search(rf"^ {number} \S", shown, re.MULTILINE)
    assert f"sshdoctor diagnose --host {NAME} --capture FILE" in shown


def test_a_paste_that_lost_a_character_runs_nothing(rescue: Rescue, tmp_path: Path) -> None:
    text = rescue.script.read_text()
    at = text.index("as_root() {")
    damaged = tmp_path / "damaged.sh"
    damaged.write_text(text[: at + 3] + text[at + 4 :])
    done = run_in(tmp_path, ["sh", str(damaged)])
    assert (done.stdout, "did not arrive whole" in done.stderr) == ("", True)
    assert not list(tmp_path.glob("sshdoctor.*"))


def test_a_download_that_broke_off_runs_nothing(rescue: Rescue, tmp_path: Path) -> None:
    text = rescue.script.read_text()
    for length in range(600, len(text) - 40, len(text) // 12):
        done = run_in(tmp_path, ["sh"], text[:length])
        assert done.stdout == ""
        assert not list(tmp_path.glob("sshdoctor.*"))


def test_names_and_commands_from_outside_stay_words(tmp_path: Path) -> None:
    name = "$(touch 'owned')`touch owned`';touch owned;#\ntouch owned"
    login = Login(address="127.0.0.1", port=1, user=name)
    host = replace(load_hosts(NAME, None, {})[0], name=name, login=login)
    own = {"mine": "echo 'it''s'\nend-of-nothing\n"}
    script = make_script(tmp_path, host, own=own)
    done = run_in(tmp_path, ["sh", str(script)])
    assert not (tmp_path / "owned").exists(), done.stdout
    lines = next(tmp_path.glob("sshdoctor.*/capture")).read_bytes()
    asked = read_capture(lines, "sent").asked
    assert (asked.host, asked.user) == (name, name)


def test_a_name_that_is_not_known_dials_nothing_and_gives_a_script() -> None:
    host = load_hosts("root@nowhere.invalid", None, {})[0]
    replies = addresses_asked(host.login, 2)
    assert [reply.address for reply in replies] == [None]
    assert "sshdoctor_rescue" in rescue_script(host, replies, Wanted(facts=("identity",)), made=0)


class Poor:
    """A root directory with busybox's shell, and only the tools that are put there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("bin", "dev", "tmp"):
            (root / folder).mkdir()
        (root / "dev" / "null").touch()
        self.add("busybox")

    def add(self, program: str) -> None:
        """A program of this machine, with its libraries."""
        path = shutil.which(program)
        assert path
        shutil.copy(path, self.root / "bin")
        listed = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
        for file in re.findall(r"(/\S+) \(", listed):
            place = self.root / file.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, place)

    def run(self, script: Path, tools: set[str], shell: str = "sh", mount: str = "true") -> str:
        """What the script shows; ``mount`` is done first, in a mount namespace of its own."""
        for tool in tools:
            (self.root / "bin" / tool).symlink_to("busybox")
        shutil.copy(script, self.root / "rescue.sh")
        steps = f'{mount}; mount --bind /dev/null "$0/dev/null"; exec chroot "$0" /bin/{shell} /rescue.sh'
        command = ["unshare", "--mount", "sh", "-ec", steps, str(self.root)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.stderr == ""
        return done.stdout


@pytest.fixture
def poor(tmp_path: Path) -> Poor:
    (tmp_path / "root").mkdir()
    return Poor(tmp_path / "root")


@pytest.mark.containers
@pytest.mark.parametrize(
    ("more", "less", "label"),
    [
        ("", "", "gzip:base64"),
        ("uuencode", "base64", "gzip:base64"),
        ("od", "base64", "gzip:hex"),
        ("", "gzip", "plain:base64"),
        ("od", "gzip base64", "plain:hex"),
        ("", "timeout", "gzip:base64"),
        ("cksum awk mktemp fold", "", "gzip:base64"),
    ],
)
def test_few_tools_are_enough(more: str, less: str, label: str, rescue: Rescue, poor: Poor) -> None:
    shown = poor.run(rescue.script, {*ENOUGH.split(), *more.split()} - {*less.split()})
    found = list(poor.root.glob("tmp/sshdoctor.*/capture"))
    assert found, shown
    for number in (2, 3, 5):
        assert re.search(rf"^ {number} .*cannot be seen", shown, re.MULTILINE), "there is no /proc"
    text = found[0].read_text()
    assert f":{label}:" in text.splitlines()[0]
    capture = read_capture(text.encode(), "sent")
    assert (capture.lost, capture.asked.host) == ("", NAME)
    assert not isinstance(identity(capture, rescue.host), Unknown)


READ_ONLY = 'mount --bind "$0" "$0"; mount -o remount,ro,bind "$0"'
FULL = f'{READ_ONLY}; mount -t tmpfs -o size=64k none "$0/tmp"; head -c 60000 /dev/zero >"$0/tmp/log"'


@pytest.mark.containers
@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize("mount", [READ_ONLY, FULL], ids=["read-only", "full"])
def test_where_nothing_can_be_written_the_capture_comes_on_the_screen(
    shell: str, mount: str, rescue: Rescue, poor: Poor
) -> None:
    poor.add("bash")
    shown = poor.run(rescue.script, {*ENOUGH.split()}, shell, mount)
    assert "No file can be written here" in shown
    capture = read_capture(shown.encode(), "sent")
    assert (capture.lost, capture.asked.host) == ("", NAME)
    assert capture.asked.own.keys() == OWN.keys()


NOT_JUDGED = {
    "nothing": ("true", "no rule is seen", ()),
    "a client, and no port": (
        "iptables -A INPUT -s 198.51.100.7 -j REJECT",
        "LOOK, rules without a 22 in them (not judged here)",
        ("iptables-save",),
    ),
    "a range": (
        "iptables -A INPUT -p tcp -m multiport --dports 20:25 -j DROP",
        "LOOK, rules without a 22 in them (not judged here)",
        ("iptables-save",),
    ),
    "another port": (
        "nft add table inet t; nft add chain inet t c '{type filter hook input priority 0;}'; "
        "nft add rule inet t c tcp dport 2222 drop",
        "LOOK, rules without a 22 in them (not judged here)",
        ("nft list ruleset",),
    ),
    "one lets in, one does not": (
        "iptables -A INPUT -p tcp --dport 22 -j ACCEPT; iptables -A INPUT -p tcp --dport 22 -j DROP",
        "LOOK, these name the port, or all (not judged here)",
        (
            "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT",
            "-A INPUT -p tcp -m tcp --dport 22 -j DROP",
        ),
    ),
    "a policy": (
        "iptables -P INPUT DROP",
        "LOOK, these name the port, or all (not judged here)",
        (":INPUT DROP [0:0]",),
    ),
}
"""What stands in the kernel, what is said of it, and what a person is shown, a line each."""


@pytest.mark.containers
@pytest.mark.parametrize("name", NOT_JUDGED)
def test_no_word_in_a_rule_is_taken_for_what_becomes_of_a_packet(name: str, tmp_path: Path) -> None:
    rules, said, shown = NOT_JUDGED[name]
    script = make_script(tmp_path, load_hosts("root@127.0.0.1:22", None, {})[0], own={})
    steps = f'{rules}; exec sh "$0"'
    text, _ = run_script(script, ["unshare", "--net", "sh", "-ec", steps], tmp_path)
    row = re.search(r"^ 5 Firewall lets it in\? +(.*)\n((?: +-> .*\n)*)", text, re.MULTILINE)
    assert row
    assert row[1] == said
    lines = [line.strip().removeprefix("-> ") for line in row[2].splitlines()]
    # iptables' own rules stand in nftables as well, where it is the newer one.
    assert [line.removesuffix("; nft list ruleset") for line in lines][: len(shown)] == [*shown]


def test_a_diagnosis_without_a_way_in_names_the_script_as_the_next_step(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sshdoctor.cli", "diagnose", "--host", NAME]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert "sh rescue.sh --plain > capture.txt" in done.stdout
    assert f"sshdoctor rescue --host {NAME} --output rescue.sh" in done.stdout
    outside = subprocess.run(
        [*command, "--outside-only"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert "sshdoctor rescue" not in outside.stdout, "nobody tried to get in"
