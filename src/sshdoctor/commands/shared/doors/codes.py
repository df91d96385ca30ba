"""Codes of a second step: asked of the person, and compared with a new secret (RFC 6238)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import subprocess
import sys

from sshdoctor.remedy.consent import is_terminal

_STEP = 30
_SEARCHED = 40
"""Steps around now in which a code is looked for, to say how far a clock is off."""


def code_at(secret: str, when: float) -> str:
    """The code of a secret in base32 at a time in seconds since 1970.

    >>> code_at("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", 59)
    '287082'
    """
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, int(when // _STEP).to_bytes(8, "big"), hashlib.sha1).digest()
    at = digest[-1] & 15
    number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def seconds_off(secret: str, code: str, when: float) -> int | None:
    """By how much the clock of a code is ahead of ``when``, in steps of 30 s; None if it is of no time near.

    >>> seconds_off("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "287082", 359)
    -300
    """
    for step in sorted(range(-_SEARCHED, _SEARCHED + 1), key=abs):
        if hmac.compare_digest(code_at(secret, when + step * _STEP), code):
            return step * _STEP
    return None


def ask_code(prompt: str) -> str:
    """What the person types, digits alone; of SSH_ASKPASS where nobody sits at a terminal. "" where there is
    neither, or nothing was said."""
    program = os.environ.get("SSH_ASKPASS", "")
    if is_terminal():
        sys.stderr.write(f"{prompt}: ")
        sys.stderr.flush()
        said = sys.stdin.readline()
    elif program:
        try:
            said = subprocess.run(
                [program, f"{prompt}: "],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            ).stdout
        except OSError:
            return ""
    else:
        return ""
    return "".join(sign for sign in said if sign.isascii() and sign.isdigit())


def somebody_is_there() -> bool:
    """Whether a code could be asked for at all."""
    return is_terminal() or bool(os.environ.get("SSH_ASKPASS"))
