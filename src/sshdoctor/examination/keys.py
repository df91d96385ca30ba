"""The key by which somebody got in: its line in authorized_keys, if nobody else has ever used it.

Sources: sshd(8) (AUTHORIZED_KEYS FILE FORMAT), OpenSSH's sshkey.c (SHA256 fingerprints).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from hashlib import sha256

from sshdoctor.examination.entry import planted_in
from sshdoctor.examination.findings import Culprit, Line
from sshdoctor.examination.known import Known

_BLOB = re.compile(r"(?:^|\s)(?:ssh|ecdsa|sk)-\S{1,60}\s{1,9}(AAAA[A-Za-z0-9+/]{20,}={0,2})")


def guilty_keys(known: Known, culprits: Sequence[Culprit]) -> Iterator[Line]:
    """The lines of the key with which the programs were brought in; a key that others use too is its owner's,
    and stolen: that one is told by the way in alone."""
    login = planted_in(known, culprits)
    if login is None or not login.key:
        return
    users = {one.address for one in known.entries.entries if one.key == login.key}
    if users != {login.address}:
        return
    for path, file in known.files.items():  # in whichever file sshd was told to look
        for place, text in enumerate(file.text, 1):
            if "AAAA" in text and fingerprint(text) == login.key:
                yield Line(path, place, text.strip())


def fingerprint(line: str) -> str:
    """As sshd's log has it, "" for a line without a key.

    >>> fingerprint("# none")
    ''
    """
    found = _BLOB.search(line)
    try:
        blob = base64.b64decode(found[1], validate=True) if found else b""
    except binascii.Error:
        return ""
    return f"SHA256:{base64.b64encode(sha256(blob).digest()).decode().rstrip('=')}" if blob else ""
