"""Whoever says it, and whatever a stranger typed: what systemd, PAM and ssh say names the right cause."""

import pytest

from reasons.test_strangers import LISTS, filled, has_stranger, imitations
from reasons.test_strangers import _honest as is_honest
from sshdoctor.reasons import Reasons, classify, shipped_reasons

SAID = [
    ("systemd", "ssh.socket: Failed with result 'resources'.", "socket-unit-fails"),
    ("systemd", "ssh.service: Failed with result 'resources'.", "unit-command-failed"),
    ("systemd", "ssh.service: Main process exited, code=exited, status=203/EXEC", "unit-command-failed"),
    ("systemd", "ssh.service: Main process exited, code=exited, status=255/EXCEPTION", None),
    ("systemd", "ssh.service: Control process exited, code=exited, status=255/EXCEPTION", None),
    ("systemd", "ssh.service: Main process exited, code=killed, status=15/TERM", None),
    ("systemd", "ssh.service: Main process exited, code=killed, status=9/KILL", "sshd-killed"),
    (
        "(sshd)",
        "ssh.service: Failed at step NAMESPACE spawning /usr/sbin/sshd: Not a directory",
        "unit-command-failed",
    ),
    (
        "systemd",
        "/etc/systemd/system/ssh.service.d/x.conf:3: Failed to parse nice priority 'x', ignoring: y",
        None,
    ),
    ("systemctl", "Unit ssh.service is masked.", "sshd-masked"),
    ("sshd", "pam_access(sshd:account): access denied for user `x' from `y'", "account-refused-by-pam"),
    ("sshd", "pam_access(sshd:session): access denied for user `x' from `y'", "session-refused-by-pam"),
    ("sshd-session", "pam_listfile(sshd:auth): Refused user x for service sshd", "account-refused-by-pam"),
    ("sshd", "pam_limits(sshd:session): Could not set limit for 'nofile': Operation not permitted", None),
    (
        "sshd",
        "pam_limits(sshd:session): Could not set limit for 'nofile': Invalid argument",
        "session-refused-by-pam",
    ),
    ("unix_chkpwd", "could not obtain user info (x)", "account-refused-by-pam"),
    ("sshd(pam_google_authenticator)", "Invalid verification code for x", "second-factor-fails"),
    ("ssh", 'Load key "/home/mika/a key": error in libcrypto', "client-key-unreadable"),
    ("ssh", 'Load key "/home/mika/a key": Permission denied', "client-key-permissions"),
    (
        "ssh",
        "Received disconnect from UNKNOWN port 65535:2: Too many authentication failures",
        "too-many-keys",
    ),
    ("ssh", "Received disconnect from 198.51.100.2 port 22:2: Some other words", None),
    ("ssh", "channel 0: open failed: administratively prohibited: open failed", "jump-forbids-forwarding"),
    ("ssh", "channel 0: open failed: connect failed: Connection refused", None),
    (
        "ssh",
        "Your account has expired; please contact your system administrator.",
        "account-locked-or-expired",
    ),
]


@pytest.mark.parametrize(("program", "message", "cause"), SAID)
def test_the_cause_that_a_message_names(program: str, message: str, cause: str | None) -> None:
    reason = classify(program, message)
    assert reason is not None
    assert reason.cause == cause


@pytest.mark.parametrize("name", ["systemd", "Linux-PAM", "pam_google_authenticator"])
def test_no_name_that_a_stranger_types_chooses_the_entry(name: str) -> None:
    (one,) = (each for each in LISTS if each.program == name)
    reasons, program = Reasons([one]), "sshd" if "*" in one.identifiers else min(one.identifiers)
    deceived = [
        (pattern.says, message)
        for entry in one.entries
        for pattern in filter(has_stranger, entry.says)
        for words in imitations(one, pattern)
        if (reason := reasons.classify(program, message := filled(pattern.parts, words)))
        and not is_honest(reason, entry)
    ]
    assert deceived == []


@pytest.mark.parametrize(
    ("name", "value", "cause"),
    [
        ("LoadState", "masked", "sshd-masked"),
        ("socket.Result", "trigger-limit-hit", "socket-trigger-limit"),
        ("service.Result", "exit-code", None),
        ("ExecMainStatus", "226/NAMESPACE", "unit-command-failed"),
        ("Condition", "ConditionPathExists", "unit-condition-unmet"),
        ("pam_strerror", "User account has expired", "account-locked-or-expired"),
    ],
)
def test_the_cause_that_a_state_names(name: str, value: str, cause: str | None) -> None:
    state = shipped_reasons().state(name, value)
    assert state is not None
    assert state.cause == cause


def test_a_state_that_no_list_has_is_unknown() -> None:
    assert shipped_reasons().state("LoadState", "moonlit") is None
