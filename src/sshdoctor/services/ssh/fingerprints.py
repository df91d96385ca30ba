"""Fingerprints of public keys, worked out here, so that nothing need run on the host."""

from __future__ import annotations

import base64
import hashlib

from sshdoctor.model import Unknown


def fingerprint(blob: str) -> str | Unknown:
    """The fingerprint of a public key, given in base64, as ssh-keygen(1) prints it.

    >>> fingerprint("AAAAC3NzaC1lZDI1NTE5AAAAIA==")
    'SHA256:xGib3+FptS+cITct2V7iFK9qKkm/QSPPdJstK0JtCps'
    """
    try:
        key = base64.b64decode(blob, validate=True)
    except ValueError:
        return Unknown("it is no public key")
    digest = base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")
    return f"SHA256:{digest}"
