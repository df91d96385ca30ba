"""What a capture says about a host that is dialled now, and what it cannot say."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from rescue.conftest import NAME, OWN, Rescue
from sshdoctor import facts
from sshdoctor.access.capture.capture import Capture, read_capture
from sshdoctor.checks.run import Run
from sshdoctor.diagnosis.captured import OLDEST, Recalled, read_capture_facts
from sshdoctor.errors import CaptureError
from sshdoctor.model import Host, Login, Reply, Unknown

REPLY = Reply(address="127.0.0.1", family="ipv4", port=1, word="rst", source="127.0.0.1")
HOUR = 3600.0


@pytest.fixture
def capture(rescue: Rescue) -> Capture:
    return read_capture(rescue.lines.encode(), "sent")


def recalled(
    capture: Capture,
    host: Host,
    reply: Reply = REPLY,
    own: Mapping[str, str] = OWN,
    later: float = 0,
) -> Recalled:
    return read_capture_facts(host, [reply], facts.names(), own, capture, now=capture.taken + later)


def unknown(said: Recalled) -> dict[str, str]:
    facts = said.answer.views[0].facts
    return {name: value.reason for name, value in facts.items() if isinstance(value, Unknown)}


def other_login(host: Host, **changes: object) -> Host:
    return replace(host, login=replace(host.login, **changes))


def test_all_of_it_is_there(capture: Capture, host: Host) -> None:
    said = recalled(capture, host)
    assert said.notes == ()
    assert not [reason for reason in unknown(said).values() if "capture" in reason]
    assert said.answer.runs == {"mine": Run("of my own\n", 0, OWN["mine"])}


def test_a_capture_of_another_host_is_refused(capture: Capture, host: Host) -> None:
    stranger = replace(host, name="web2", login=Login(address="192.0.2.2", port=22))
    with pytest.raises(CaptureError, match=r"sent: it was taken for .*, not for web2 \(192.0.2.2, port 22\)"):
        recalled(capture, stranger)


def test_the_same_service_under_another_name_is_the_same_host(capture: Capture, host: Host) -> None:
    assert recalled(capture, replace(host, name="by-another-name")).notes == ()


def test_what_was_asked_for_another_user_is_unknown_and_the_rest_is_not(capture: Capture, host: Host) -> None:
    said = recalled(capture, other_login(host, user="deploy"))
    lost = unknown(said)
    assert lost["account"] == lost["shadow"] == "the capture was taken for another user"
    assert "listeners" not in lost


def test_what_was_asked_for_another_address_is_unknown(capture: Capture, host: Host) -> None:
    said = recalled(capture, host, replace(REPLY, address="192.0.2.9", source=None))
    assert unknown(said)["addresses"] == "the capture was taken for another address"


def test_a_client_that_has_moved_gets_no_answer_that_was_for_another(capture: Capture, host: Host) -> None:
    asked = replace(capture.asked, seats=(replace(capture.asked.seats[0], client="192.0.2.1"),))
    moved = replace(REPLY, source="192.0.2.66")
    said = recalled(replace(capture, asked=asked), host, moved)
    assert unknown(said)["addresses"] == "the capture was taken for another client"
    assert said.answer.views[0].client == "192.0.2.66"


def test_a_check_of_ones_own_that_has_changed_since_is_unknown(capture: Capture, host: Host) -> None:
    own = {"mine": "echo another", "newer": "true"}
    runs = recalled(capture, host, own=own).answer.runs
    assert all(isinstance(run, Unknown) and "did not ask this" in run.reason for run in runs.values())


def test_its_age_is_told_and_a_day_is_too_old(capture: Capture, host: Host) -> None:
    assert recalled(capture, host, later=HOUR / 2).notes == ()
    assert "The capture is 5 hours old" in recalled(capture, host, later=5.5 * HOUR).notes[0]
    with pytest.raises(CaptureError, match="sent: it is 3 days old; make a new one"):
        recalled(capture, host, later=3 * OLDEST + HOUR)


def test_a_hosts_wrong_clock_makes_a_capture_neither_old_nor_new(capture: Capture, host: Host) -> None:
    reset = replace(capture, taken=3600.0)
    now = capture.asked.made + HOUR
    said = read_capture_facts(host, [REPLY], facts.names(), OWN, reset, now=now)
    said_then = "it said 1970-01-01 01:00:00 UTC when the capture was taken."
    assert said.notes == (f"The host's clock is wrong: {said_then}",)
    with pytest.raises(CaptureError, match="it may be 2 days old, for the host's clock is wrong"):
        read_capture_facts(host, [REPLY], facts.names(), OWN, reset, now=capture.asked.made + 49 * HOUR)


def test_of_a_capture_that_is_not_whole_only_what_is_whole_is_used(rescue: Rescue, host: Host) -> None:
    whole = recalled(read_capture(rescue.lines.encode(), "sent"), host).answer.views[0].facts
    lines = rescue.lines.splitlines(True)
    seen: set[int] = set()
    for keep in range(40, len(lines) - 2, 17):
        capture = read_capture("".join([*lines[:keep], *lines[keep + 1 :]]).encode(), "sent")
        said = recalled(capture, host)
        assert f"line {keep} is missing" in said.notes[0]
        for name, value in said.answer.views[0].facts.items():
            assert value == whole[name] or value == Unknown("that part of the capture is lost")
        seen.add(len(unknown(said)))
        assert isinstance(said.answer.runs["mine"], Unknown)
    assert len(seen) > 2, "the later the gap, the more can be read"


def test_an_access_that_is_a_capture_is_tried_in_its_turn(rescue: Rescue, tmp_path: Path) -> None:
    (tmp_path / "torn").write_text("[begin:1:gzip:base64:3:4]\n")
    (tmp_path / "capture").write_text(rescue.lines)
    ways = [
        {"connection": "capture", "file": "nowhere"},
        {"connection": "capture", "file": "torn"},
        {"connection": "capture", "file": "capture"},
    ]
    variables = {
        "ansible_host": "127.0.0.1",
        "ansible_port": 1,
        "ansible_user": "root",
        "sshdoctor_access": ways,
    }
    (tmp_path / "inventory.yml").write_text(json.dumps({"all": {"hosts": {"web1": variables}}}))
    command = [sys.executable, "-m", "sshdoctor.cli", "diagnose", "--host", "web1", "--format", "json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    access = json.loads(done.stdout)["hosts"][0]["access"]
    assert access["via"] == "capture"
    assert access["detail"].startswith("capture, taken ")
    assert [(one["via"], one["reply"]) for one in access["tried"]] == [
        ("ssh", "rst"),
        ("capture", "unreadable"),
        ("capture", "unreadable"),
        ("capture", "ok"),
    ]
    assert "No such file" in access["tried"][1]["detail"]
    assert "lines 1-3 are missing" in access["tried"][2]["detail"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("rescue", "--host is missing"),
        (f"rescue --host {NAME} --output nowhere/rescue.sh", "--output nowhere/rescue.sh: No such file"),
        (f"rescue --host {NAME} --listen 127.0.0.1:8022", "need --serve"),
        (f"rescue --host {NAME} --serve --key key.pem", "--key needs --certificate"),
        (f"rescue --host {NAME} --serve --format pdf", "--format pdf: there are"),
        (f"rescue --host {NAME},root@127.0.0.2", "a rescue script is for one host"),
        (f"diagnose --host {NAME} --capture nowhere", "nowhere: No such file or directory"),
        (f"diagnose --host {NAME} --capture .", ".: Is a directory"),
        (f"diagnose --host {NAME} --capture mail", "mail: it is no capture"),
        (f"diagnose --host {NAME},root@127.0.0.2 --capture capture", "--capture is of one host"),
        ("diagnose --host root@127.0.0.1:2 --capture capture", f"capture: it was taken for {NAME}"),
    ],
)
def test_bad_input_ends_with_2_and_one_clear_message(
    words: str, message: str, rescue: Rescue, tmp_path: Path
) -> None:
    (tmp_path / "mail").write_text("Dear support,\n")
    (tmp_path / "capture").write_text(rescue.lines)
    command = [sys.executable, "-m", "sshdoctor.cli", *words.split()]
    done = subprocess.run(
        command, cwd=tmp_path, input="", capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_capture_runs_nothing_whatever_it_holds(rescue: Rescue, tmp_path: Path) -> None:
    """Whoever writes one has the whole text in hand: templates, escape codes, commands are words in it."""
    evil = b"\x1b]0;owned\x07{{ 7 * 7 }}$(touch owned)"
    capture = tmp_path / "capture"
    text = rescue.plain.rpartition(b"sshdoctor-checksum")[0]
    for place in (b"os.PRETTY_NAME=", b"\nhostname "):
        text = text.replace(place, place + evil)
    capture.write_bytes(text + b"sshdoctor-checksum -\n")
    command = [sys.executable, "-m", "sshdoctor.cli", "diagnose", "--host", NAME, "--capture", "capture"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert "\x1b" not in done.stdout
    shown = done.stdout.replace("\n", "").replace(" " * 12, "")
    assert "\\x1b]0;owned\\x07{{ 7 * 7 }}$(touch owned)" in shown
    assert not (tmp_path / "owned").exists()
