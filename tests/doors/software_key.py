"""A security key in software, behind an agent that ssh asks: it signs as one of FIDO2 would.

Sources: OpenSSH's PROTOCOL.u2f (the public key, what is signed, the signature), draft-miller-ssh-agent.
"""

from __future__ import annotations

import base64
import hashlib
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_KIND, _FOR = b"sk-ssh-ed25519@openssh.com", b"ssh:"
_ASKED_FOR_KEYS, _KEYS, _ASKED_TO_SIGN, _SIGNED, _FAILURE = 11, 12, 13, 14, 5
_TOUCHED, _VERIFIED = 1, 4


class SoftwareKey:
    """``verified``: who holds it has typed the PIN."""

    def __init__(self) -> None:
        self.verified = True
        self._key, self._count = Ed25519PrivateKey.generate(), 0
        self._blob = _text(_KIND) + _text(self._key.public_key().public_bytes_raw()) + _text(_FOR)

    @property
    def line(self) -> str:
        """As it stands in a file of authorized keys."""
        return f"{_KIND.decode()} {base64.b64encode(self._blob).decode()} software"

    @contextmanager
    def agent(self, path: Path) -> Iterator[Path]:
        """An agent at the socket ``path`` that holds it."""
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
            server.listen()
            Thread(target=self._serve, args=(server,), daemon=True).start()
            yield path

    def _serve(self, server: socket.socket) -> None:
        while True:
            try:
                client = server.accept()[0]
            except OSError:  # it is closed
                return
            Thread(target=self._heard, args=(client,), daemon=True).start()

    def _heard(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as asked, suppress(OSError):
            while head := asked.read(4):
                client.sendall(_text(self._answer(asked.read(struct.unpack(">I", head)[0]))))

    def _answer(self, asked: bytes) -> bytes:
        if asked[0] == _ASKED_FOR_KEYS:
            return bytes([_KEYS]) + struct.pack(">I", 1) + _text(self._blob) + _text(b"software")
        if asked[0] != _ASKED_TO_SIGN:
            return bytes([_FAILURE])
        _, rest = _taken(asked[1:])
        return bytes([_SIGNED]) + _text(self._signature(_taken(rest)[0]))

    def _signature(self, data: bytes) -> bytes:
        self._count += 1
        flags = _TOUCHED | (_VERIFIED if self.verified else 0)
        told = struct.pack(">BI", flags, self._count)
        signed = hashlib.sha256(_FOR).digest() + told + hashlib.sha256(data).digest()
        return _text(_KIND) + _text(self._key.sign(signed)) + told


def _text(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _taken(data: bytes) -> tuple[bytes, bytes]:
    """The first string of ``data``, and the rest."""
    size = struct.unpack(">I", data[:4])[0]
    return data[4 : 4 + size], data[4 + size :]
