"""What a certificate of the client's own asks of the server, read from its file.

Source: OpenSSH's PROTOCOL.certkeys: a nonce, the fields of the key, serial, type, id, principals, two times,
and the critical options, each a name and its data.
"""

from __future__ import annotations

import base64
import contextlib
import struct
from pathlib import Path

_LARGEST = 65536
_KEY_FIELDS = {"ssh-ed25519": 1, "ssh-rsa": 2, "sk-ssh-ed25519": 2, "sk-ecdsa-sha2-nistp256": 3, "ssh-dss": 4}
"""How many strings the public key has; those of ECDSA are two (the curve and the point)."""


def forced_command(name: str) -> str:
    """The critical option force-command of a certificate, "" for none, or where it cannot be read."""
    with contextlib.suppress(OSError, ValueError, IndexError, struct.error):
        blob = base64.b64decode(Path(name).expanduser().read_bytes()[:_LARGEST].split()[1])
        kind, rest = _string(blob)
        for _ in range(1 + _KEY_FIELDS.get(kind.decode("ascii").partition("-cert-v01@")[0], 2)):
            _, rest = _string(rest)
        _, rest = _string(rest[12:])  # the id, behind the serial and the type
        _, rest = _string(rest)  # the principals
        options, _ = _string(rest[16:])  # behind the two times
        while options:
            option, options = _string(options)
            data, options = _string(options)
            if option == b"force-command":
                return _string(data)[0].decode("utf-8", "replace")
    return ""


def _string(data: bytes) -> tuple[bytes, bytes]:
    size = struct.unpack(">I", data[:4])[0]
    if size > len(data) - 4:
        raise ValueError("it is cut off")
    return data[4 : 4 + size], data[4 + size :]
