"""What a certificate of the client's own asks of the server, read from its file."""

from __future__ import annotations

import contextlib
from pathlib import Path

_LARGEST = 65536


def forced_command(name: str) -> str:
    """The critical option force-command of a certificate, "" for none, or where it cannot be read."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import SSHCertificate, load_ssh_public_identity

    with contextlib.suppress(OSError, ValueError, UnsupportedAlgorithm):
        read = load_ssh_public_identity(Path(name).expanduser().read_bytes()[:_LARGEST])
        if isinstance(read, SSHCertificate):
            return read.critical_options.get(b"force-command", b"").decode("utf-8", "replace")
    return ""
