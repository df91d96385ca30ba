"""What a client of this machine brings to a login: the keys that it would offer, by their public halves.

Sources: ssh_config(5) IdentityFile, IdentitiesOnly, IdentityAgent; OpenSSH's PROTOCOL.key (the public half of
a key file stands in it unencrypted), draft-miller-ssh-agent (a list of identities).
"""

from __future__ import annotations

import base64
import os
import pathlib
import re
import socket
import struct
from collections.abc import Iterator

from sshdoctor.model import Login, Unknown
from sshdoctor.services.ssh.fingerprints import fingerprint

_IDENTITIES = ("id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk")
_MAGIC = b"openssh-key-v1\0"
_ASK, _LIST = 11, 12
_SECONDS = 2
_LARGEST = 1 << 20


def offered_keys(login: Login) -> tuple[str, ...] | Unknown:
    """The fingerprints of the keys that ssh would offer for ``login``; Unknown where one cannot be told."""
    if login.options.get("pubkeyauthentication", "yes").lower() in ("no", "false"):
        return ()
    files = login.key_files or [str(pathlib.Path.home() / ".ssh" / name) for name in _IDENTITIES]
    marks = [_of_file(pathlib.Path(file).expanduser()) for file in files]
    only = login.options.get("identitiesonly", "no").lower() in ("yes", "true")
    marks += [] if only else list(_of_agent(login.options.get("identityagent", "SSH_AUTH_SOCK")))
    unknown = next((mark for mark in marks if isinstance(mark, Unknown)), None)
    if unknown is not None:
        return unknown
    return tuple(dict.fromkeys(mark for mark in marks if isinstance(mark, str)))


def _of_file(path: pathlib.Path) -> str | Unknown | None:
    """Of the public half beside it, or the one inside; None where there is no file."""
    beside = pathlib.Path(f"{path}.pub")
    try:
        words = beside.read_text(encoding="utf-8", errors="replace").split() if beside.is_file() else []
        if len(words) > 1:
            return fingerprint(words[1])
        return _of_private(path.read_text(encoding="ascii", errors="replace")) if path.is_file() else None
    except OSError as error:
        return Unknown(f"{path}: {error.strerror}")


def _of_private(text: str) -> str | Unknown:
    held = re.search(r"-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END", text)
    data = base64.b64decode(re.sub(r"\s", "", held[1]) + "==") if held else b""
    if not data.startswith(_MAGIC):
        return Unknown("a key file tells its public half to nobody without its passphrase")
    try:
        rest = data[len(_MAGIC) :]
        for _ in ("cipher", "kdf", "its options"):
            _, rest = _string(rest)
        return fingerprint(base64.b64encode(_string(rest[4:])[0]).decode())
    except ValueError:
        return Unknown("a key file is cut off")


def _of_agent(named: str) -> Iterator[str | Unknown]:
    """The keys of the agent at the socket ``named``, as IdentityAgent has it; none where none answers."""
    variable = (
        "SSH_AUTH_SOCK" if named == "SSH_AUTH_SOCK" else named[1:].strip("{}") if named[:1] == "$" else ""
    )
    path = os.environ.get(variable, "") if variable else str(pathlib.Path(named).expanduser())
    if not path or named.lower() == "none":
        return
    try:
        with socket.socket(socket.AF_UNIX) as agent:
            agent.settimeout(_SECONDS)
            agent.connect(path)
            agent.sendall(struct.pack(">IB", 1, _ASK))
            said = _whole(agent)
    except OSError:
        return
    try:
        kind, count, rest = said[0], *struct.unpack(">I", said[1:5]), said[5:]
        for _ in range(count if kind == _LIST else 0):
            blob, rest = _string(rest)
            _, rest = _string(rest)
            yield fingerprint(base64.b64encode(blob).decode())
    except (ValueError, IndexError, struct.error):
        yield Unknown("the agent's answer could not be read")


def _whole(agent: socket.socket) -> bytes:
    """One message of the agent's, without its length. Raises OSError."""
    length = int.from_bytes(_exactly(agent, 4), "big")
    return _exactly(agent, min(length, _LARGEST))


def _exactly(agent: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = agent.recv(size - len(data))
        if not part:
            raise ConnectionError("the agent hung up")
        data += part
    return data


def _string(data: bytes) -> tuple[bytes, bytes]:
    """The first string of ``data`` (RFC 4251 5), and what comes after it. Raises ValueError."""
    length = int.from_bytes(data[:4], "big")
    if len(data) < 4 + length:
        raise ValueError("cut off")
    return data[4 : 4 + length], data[4 + length :]
