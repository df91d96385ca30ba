"""Whose words they are: a session's are none of the client's own, a listening server's concern everybody."""

from __future__ import annotations

import pytest

from sshdoctor.diagnosis.derived.words import Words, words
from sshdoctor.facts.parsing.journal_lines import Line
from sshdoctor.facts.ssh.dial_log import DialLog
from sshdoctor.model import Unknown

ACCEPTED = "Accepted publickey for deploy from 198.51.100.1 port 4711 ssh2"
LOG = DialLog(source="journalctl", lines=(Line("sshd", 7, ACCEPTED, True),))


@pytest.mark.parametrize(
    ("printed", "causes"),
    [
        ("/home/deploy/.bashrc: line 1: /usr/bin/fish: No such file or directory", ()),
        ("bash: line 1: gate: command not found", ()),
        ("This account is currently not available.", ("login-shell-invalid",)),
    ],
)
def test_what_a_session_printed_names_no_proxy(printed: str, causes: tuple[str, ...]) -> None:
    fact = words("ssh", "198.51.100.1", 4711, LOG, Unknown("no systemd"), [printed])
    assert isinstance(fact, Words)
    assert fact.causes == causes


def test_what_the_listening_server_says_after_its_start_is_about_every_client() -> None:
    started = Line("sshd", 44, "Server listening on 0.0.0.0 port 22.", True)
    failed = Line("sshd", 44, "error: fork: Resource temporarily unavailable", True)
    log = DialLog(source="journalctl", lines=(started, failed))
    fact = words("ssh", "198.51.100.1", 4711, log, Unknown("no systemd"))
    assert isinstance(fact, Words)
    assert fact.causes == ("memory-exhausted",)
