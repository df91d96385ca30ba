"""Certificates of users, read from their public files (OpenSSH's PROTOCOL.certkeys)."""

from __future__ import annotations

import base64

from sshdoctor.doors.model import Certificate

_FIELDS = {"rsa": 2, "dsa": 4, "ecdsa": 2, "ed25519": 1, "sk-ecdsa": 3, "sk-ed25519": 2}
"""So many fields a key of each kind has before the certificate's own."""
_OF_USERS = 1
_CRITICAL = {"source-address", "force-command", "verify-required"}


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def number(self, size: int) -> int:
        self._at += size
        if self._at > len(self._data):
            raise ValueError("it ends too soon")
        return int.from_bytes(self._data[self._at - size : self._at], "big")

    def text(self) -> bytes:
        size = self.number(4)
        self._at += size
        if self._at > len(self._data):
            raise ValueError("it ends too soon")
        return self._data[self._at - size : self._at]

    @property
    def ended(self) -> bool:
        return self._at >= len(self._data)


def read_certificate(line: str, file: str) -> Certificate | None:
    """The certificate in a line ``TYPE BASE64 COMMENT``; None if it is none of a user."""
    try:
        return _read(_Reader(base64.b64decode(line.split()[1], validate=True)), file)
    except (ValueError, IndexError, UnicodeDecodeError):
        return None


def _read(reader: _Reader, file: str) -> Certificate | None:
    kind = reader.text().decode("ascii")
    if "-cert-v01@openssh.com" not in kind:
        return None
    reader.text()  # a nonce
    for _ in range(_FIELDS[_family(kind)]):
        reader.text()
    reader.number(8)  # its serial number
    of = reader.number(4)
    reader.text()  # its name
    principals = _texts(reader.text())
    after, before = reader.number(8), reader.number(8)
    critical = dict(_pairs(reader.text()))
    reader.text()  # extensions
    reader.text()
    authority = base64.b64encode(reader.text()).decode()
    if of != _OF_USERS:
        return None
    sources, command = critical.get("source-address", b""), critical.get("force-command", b"")
    return Certificate(
        file=file,
        kind=kind,
        authority=authority,
        principals=tuple(principals),
        after=float(after),
        before=float(before),
        sources=_Reader(sources).text().decode() if sources else "",
        command=_Reader(command).text().decode() if command else "",
        unsupported=bool(critical.keys() - _CRITICAL),
    )


def _family(kind: str) -> str:
    plain = kind.removeprefix("sk-").removeprefix("ssh-")
    name = next(each for each in ("rsa", "dss", "ecdsa", "ed25519") if plain.startswith(each))
    name = "dsa" if name == "dss" else name
    return f"sk-{name}" if kind.startswith("sk-") else name


def _texts(data: bytes) -> list[str]:
    reader, found = _Reader(data), list[str]()
    while not reader.ended:
        found.append(reader.text().decode())
    return found


def _pairs(data: bytes) -> list[tuple[str, bytes]]:
    reader, found = _Reader(data), list[tuple[str, bytes]]()
    while not reader.ended:
        found.append((reader.text().decode(), reader.text()))
    return found
