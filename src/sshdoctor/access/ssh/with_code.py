"""The person's own ssh, asked for one login with a code: no other connection is used, and none is kept.

Source: ssh(1), SSH_ASKPASS_REQUIRE; ssh_config(5). What is typed for it goes through the environment of its
helper, never through a command line, and is in no output.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sshdoctor.access.ssh.openssh import command_of, word_of
from sshdoctor.model import Login

_HELPER = """#!/bin/sh
case $1 in
  *assphrase*|*PIN*|*yes/no*) exit 1 ;;
  *[Pp]assword*) printf '%s\\n' "$SSHDOCTOR_WORD" ;;
  *) printf '%s\\n' "$SSHDOCTOR_CODE" ;;
esac
"""
_WRONG = "not-the-password"
_ASKED = {"BatchMode": "no", "NumberOfPasswordPrompts": "1"}
_WITHOUT_KEYS = {"PubkeyAuthentication": "no", "PreferredAuthentications": "keyboard-interactive,password"}
SECONDS = 30


def login_with_code(login: Login, code: str, timeout: float, *, keys: bool = True) -> str:
    """The reply word of a login, "" where it has none, or there is no ssh.

    Every question but a password's is answered by ``code``, and a password's by a wrong one; without
    ``keys`` none is offered.
    """
    options = {**_ASKED, **({} if keys else _WITHOUT_KEYS)}
    with tempfile.TemporaryDirectory() as folder:
        helper = Path(folder) / "askpass"
        helper.write_text(_HELPER, encoding="ascii")
        helper.chmod(0o700)
        said = {"SSH_ASKPASS": str(helper), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0"}
        return _ended(command_of(login, timeout, options), {**said, "SSHDOCTOR_CODE": code}, timeout)


def login_by_hand(login: Login, timeout: float) -> str:
    """The same, where ssh itself asks at the terminal for what it needs: a PIN, a touch of a security key."""
    return _ended(command_of(login, timeout, _ASKED), {}, timeout)


def _ended(command: list[str], more: Mapping[str, str], timeout: float) -> str:
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **more, "SSHDOCTOR_WORD": _WRONG},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=max(SECONDS, 4 * timeout),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return word_of(done.stderr, done.returncode)
