"""A message finds its entry by what the program wrote first, and quickly."""

import time
from pathlib import Path

import pytest

from reasons.record import recordings
from sshdoctor.reasons import Reasons, classify, load_lists, shipped_reasons


@pytest.mark.parametrize(
    ("message", "part", "value"),
    [
        ("fatal: Missing privilege separation directory: /run/sshd", "path", "/run/sshd"),
        ('fatal: chroot("/run/sshd"): Operation not permitted [preauth]', "path", "/run/sshd"),
        ("Missing privilege separation directory: /run/sshd\r", "path", "/run/sshd"),
        (
            "message repeated 2 times: [ Failed password for deploy from 203.0.113.5 port 9 ssh2]",
            "address",
            "203.0.113.5",
        ),
    ],
)
def test_what_a_log_puts_around_a_message_does_not_hide_it(message: str, part: str, value: str) -> None:
    reason = classify("sshd", message)
    assert reason is not None
    assert reason.parts[part] == value


def test_the_more_exact_of_two_entries_explains_a_message() -> None:
    exact = classify("sshd", 'error: Unable to load host key "/k": bad permissions')
    general = classify("sshd", 'error: Unable to load host key "/k": invalid format')
    assert exact is not None
    assert general is not None
    assert (exact.entry.cause, general.entry.cause) == ("host-key-permissions", "host-keys-unreadable")


@pytest.mark.parametrize(
    "message", ["", "the moon is full", "error: ", "fatal: nothing that anybody wrote [preauth]"]
)
def test_what_no_entry_knows_is_not_explained(message: str) -> None:
    assert classify("sshd", message) is None


def test_a_program_without_a_list_is_not_explained() -> None:
    assert classify("cron", "Invalid user x from 203.0.113.5 port 9") is None


def test_thousands_of_lines_take_milliseconds() -> None:
    lines = [line for recording in recordings() for line in recording.lines]
    thousand = (lines * (1000 // len(lines) + 1))[:1000]
    for line in thousand:
        classify(line.program, line.message)
    start = time.process_time()
    for line in thousand:
        classify(line.program, line.message)
    assert time.process_time() - start < 0.2


def test_lines_that_an_attacker_made_long_take_no_longer_than_others() -> None:
    reasons = shipped_reasons()
    hostile = [
        "Invalid user " + "x from 1.1.1.1 port 1 " * 50_000,
        "Disconnecting invalid user " + "x 1.1.1.1 port 1: " * 50_000,
        "Failed password for invalid user " + " from 1.1.1.1 port 1 ssh2: " * 50_000,
        ": " * 500_000,
    ]
    for message in hostile:
        reasons.classify("sshd", message)
        start = time.process_time()
        reasons.classify("sshd", message)
        assert time.process_time() - start < 0.05


def test_a_list_for_every_program_is_asked_as_well(tmp_path: Path) -> None:
    entry = (
        "{says: 'pam_x(sshd): {text}', stage: account, no_cause: y, example: 'pam_x(sshd): z', source: a.c}"
    )
    (tmp_path / "pam.yml").write_text(f"program: PAM\nidentifiers: ['*']\nreasons:\n  - {entry}\n")
    assert Reasons(load_lists(tmp_path)).classify("login", "pam_x(sshd): no") is not None
