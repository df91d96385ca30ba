"""A client's words, pasted by somebody, are explained: the reply, its causes, what would settle it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reasons_page import PAGE, page
from sshdoctor.diagnosis.explanation import Explanation, explain
from sshdoctor.diagnosis.possible import named_for
from sshdoctor.diagnosis.setup import load_checks
from sshdoctor.documents.resources import shipped
from sshdoctor.reasons.client_words import client_lists, example, hear
from sshdoctor.reports.layout.client_words import SAID
from sshdoctor.services import reply_words

CHECKS = load_checks([shipped("checks")])
EVERY = [(one.client, words) for one in client_lists() for words in one.words]
LOG = """OpenSSH_9.2p1 Debian-2+deb12u3, OpenSSL 3.0.15 3 Sep 2024
debug1: Connecting to web1 [2001:db8::2] port 22.
debug1: connect to address 2001:db8::2 port 22: Connection refused
debug1: Connecting to web1 [198.51.100.2] port 22.
debug1: Connection established.
debug1: Local version string SSH-2.0-OpenSSH_9.2p1
"""


def explained(text: str) -> Explanation | None:
    return explain(text, CHECKS, SAID)


@pytest.mark.parametrize(("client", "words"), EVERY, ids=lambda one: getattr(one, "says", one))
def test_what_a_list_has_is_heard_whatever_stands_around_it(client: str, words: object) -> None:
    said = example(words)  # type: ignore[arg-type]  # of the list above
    heard = hear(f"2026-01-01 12:00:01 [error] {said} (code 7)")
    assert heard is not None
    longer = heard.words.weight > words.weight  # type: ignore[attr-defined]  # of the list above
    assert longer or heard.words.replies[0] == words.replies[0]  # type: ignore[attr-defined]  # the same


@pytest.mark.parametrize(("client", "words"), EVERY, ids=lambda one: getattr(one, "says", one))
def test_every_reply_is_a_word_of_the_contract(client: str, words: object) -> None:
    assert set(words.replies) <= set(reply_words())  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("Connection refused", "rst"),
        ("ssh: connect to host web1 port 22: Connection timed out", "silence"),
        ("ssh: connect to host web1 port 22: Permission denied", "icmp6-adm-prohibited"),
        ("deploy@web1: Permission denied (publickey).", "auth-denied"),
        (LOG, "no-banner"),
        (LOG + "debug1: expecting SSH2_MSG_KEX_ECDH_REPLY\n", "kex-failed"),
        (LOG + "Connection closed by 198.51.100.2 port 22\n", "closed-before-banner"),
        (
            'web1 | UNREACHABLE! => {"changed": false, "msg": "Failed to connect to the host via ssh: '
            'ssh: connect to host web1 port 22: Connection refused", "unreachable": true}',
            "rst",
        ),
        (
            "git@example.com: Permission denied (publickey).\n"
            "fatal: Could not read from remote repository.\n",
            "auth-denied",
        ),
        (
            "ssh: connect to host example.com port 22: Connection timed out\n"
            "fatal: Could not read from remote repository.\n\n"
            "Please make sure you have the correct access rights\n"
            "and the repository exists.\n",
            "silence",
        ),
        ("Error:\tFATAL ERROR: Connection refused\nError:\tCould not connect to server\n", "rst"),
        ("dial tcp 198.51.100.2:22: connect: connection refused", "rst"),
        ("com.jcraft.jsch.JSchException: Auth fail", "auth-denied"),
        ("FATAL ERROR: Network error: Connection timed out", "silence"),
        ('Could not establish connection to "web1": Permission denied (publickey).', "auth-denied"),
        ("<html><head><title>403 Forbidden</title></head>", "blocked"),
        ("curl: (60) SSL certificate problem: certificate has expired", "certificate-expired"),
        (
            "This page isn't working\nexample.jp redirected you too many times.\nERR_TOO_MANY_REDIRECTS",
            "redirection",
        ),
        ("channel 0: open failed: administratively prohibited: open failed\nstdio forwarding failed", "ok"),
    ],
)
def test_words_as_people_paste_them(text: str, reply: str) -> None:
    found = explained(text)
    assert found is not None
    assert found.replies[0] == reply


def test_the_causes_are_those_of_the_checks_for_that_reply() -> None:
    found = explained("Connection refused")
    assert found is not None
    assert {"sshd-stopped", "openssh-server-missing", "firewall-rejects"} <= set(found.causes)
    assert set(named_for(CHECKS, "rst")) <= set(found.causes)
    assert found.possible and all(one.settle for one in found.possible)


def test_a_cause_that_the_client_itself_names_is_named() -> None:
    found = explained(
        "debug1: no mutual signature algorithm\n"
        "/home/mika/.ssh/config: line 3: Bad configuration option: identityfle\n"
        "ssh: connect to host web1 port 22: Connection refused\n"
    )
    assert found is not None and found.named


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("Permissions 0644 for '/home/a/.ssh/id_rsa' are too open.", "client-key-permissions"),
        ("/home/a/.ssh/config: line 3: Bad configuration option: usekeychain", "client-config-override"),
    ],
)
def test_what_a_client_says_of_itself_alone_names_its_cause_and_no_reply(text: str, cause: str) -> None:
    found = explained(text)
    assert found is not None
    assert (found.named, found.causes, found.replies) == (cause, (cause,), ())


def test_a_page_is_explained_by_what_stops_pages() -> None:
    found = explained("403 Forbidden")
    assert found is not None and found.service == "web"
    assert {"access-denied-by-rule", "waf-blocked"} <= set(found.causes)
    assert not {"sshd-stopped", "pubkey-not-authorized"} & set(found.causes)


def typed(*words: str, said: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sshdoctor.cli", "explain", *words]
    return subprocess.run(
        command, input=said, capture_output=True, text=True, check=False, env={**os.environ}
    )


def test_the_command_reads_words_and_standard_input() -> None:
    unquoted = typed("Connection", "refused")
    assert unquoted.returncode == 0
    assert "rst" in unquoted.stdout and "sshd-stopped" in unquoted.stdout
    assert max(map(len, unquoted.stdout.splitlines())) <= 80
    piped = typed("--format", "json", said=LOG)
    assert json.loads(piped.stdout)["replies"][0] == "no-banner"
    assert typed("the", "weather").returncode == 3
    assert typed(said="\n").returncode == 2


def test_what_was_meant_is_looked_for_in_what_a_person_may_have_typed_alone() -> None:
    assert "did you mean 'Permission denied'?" in typed("ssh: Permision denied").stdout
    endless = typed(said="Permision denied: " * 200_000)
    assert endless.returncode == 3 and "did you mean" not in endless.stdout


def test_the_page_of_messages_is_made_from_the_lists() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: invoke docs"


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in typed("\x1b[2J Connection refused").stdout


def test_a_log_of_any_size_is_read_quickly(tmp_path: Path) -> None:
    assert hear(("x" * 5000 + "\n") * 4000) is None


SAID_FOR_REAL = [  # most by the programs themselves, asked on Debian 12 about closed ports, strange servers
    ("FATAL ERROR: Connection refused", "rst", "PuTTY, plink, pscp"),
    ("Status: Failed to connect to 198.51.100.2: Connection refused", "rst", "FileZilla"),
    ("FATAL ERROR: Remote side unexpectedly closed network connection", "closed-before-banner", "FileZilla"),
    ("curl: (2) Failure establishing ssh session: -43, Failed getting banner", "no-banner", "libssh2"),
    ("curl: (67) Authentication failure", "auth-denied", "libssh2"),
    ("Connection to 198.51.100.2 port 22 timed out", "no-banner", "OpenSSH"),
    ("fatal: protocol error: bad line length character: Welc", "ok", "git"),
    ("paramiko.ssh_exception.IncompatiblePeer: Incompatible ssh server (no acceptable ciphers)", "kex-failed",
     "paramiko"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "reply", "client"), SAID_FOR_REAL)
def test_what_the_programs_said_when_they_were_asked_is_known(said: str, reply: str, client: str) -> None:
    heard = hear(said)
    assert heard is not None
    assert heard.words.replies[0] == reply
    assert any(one.startswith(client) for one in heard.clients), heard.clients
