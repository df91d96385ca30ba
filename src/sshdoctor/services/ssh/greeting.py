"""What the first words on a connection mean."""

from __future__ import annotations

import re

from sshdoctor.services.base import GREETING_BYTES, Greeting

BANNER_BYTES = 255

_OTHERS = re.compile(
    rb"""HTTP/ | RFB\ \d | 220[ -] | \+OK | \*\ OK | @RSYNCD: | <\?xml | -ERR """,
    re.VERBOSE,
)


def judge_greeting(data: bytes, ended: str | None = None) -> Greeting | None:
    """What the bytes so far mean; None while more may come.

    ``ended`` says why no more will come: "time", "closed" or "reset". RFC 4253 4.2: other lines may
    stand before the one that starts with "SSH-". A server that refuses in plain text and closes
    ("Exceeded MaxStartups", "Not allowed at this time") is ``closed-before-banner``.

    >>> judge_greeting(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\\r\\n").banner
    'SSH-2.0-OpenSSH_9.2p1 Debian-2'
    >>> judge_greeting(b"Not allowed at this time\\r\\n", "closed")
    Greeting(word='closed-before-banner', banner=None, detail='Not allowed at this time')
    """
    banner = re.search(rb"^SSH-[^\r\n]*", data, re.MULTILINE)
    if banner and (
        len(banner[0]) >= BANNER_BYTES or data[banner.end() : banner.end() + 2].strip(b"\r") != b""
    ):
        return Greeting("banner", _text(banner[0][:BANNER_BYTES]))
    said = _text(data.strip()[:BANNER_BYTES]) or None
    if not banner and (_OTHERS.match(data) or b"\0" in data or len(data) >= GREETING_BYTES):
        return Greeting("not-ssh", None, said)
    if ended == "time":
        other_line = b"\n" in data and not banner
        return Greeting("not-ssh" if other_line else "no-banner", None, said)
    if ended:
        return Greeting("closed-before-banner", None, said or ("reset" if ended == "reset" else None))
    return None


def _text(line: bytes) -> str:
    return line.decode("utf-8", "backslashreplace")
