"""What OpenSSH holds against a private key file before it is used; other libraries take what it does not.

Sources: authfile.c (sshkey_perm_ok: a key of ours that group or others may read is passed over), sshkey.c and
PEM of libcrypto (CRLF and a missing last line end: "error in libcrypto"); ssh-keygen(1).
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import stat
import struct
from pathlib import Path
from shlex import quote

from msgspec import Struct

from sshdoctor.model import Command

_LARGEST = 65536
_MAGIC = b"openssh-key-v1\0"


class KeyFault(Struct, frozen=True):
    """``cause``: client-key-permissions or client-key-unreadable; ``says`` and ``mend`` are for a person."""

    path: str
    cause: str
    says: str
    mend: Command


def key_fault(name: str) -> KeyFault | None:
    """What is wrong with the file, or None: as far as it can be told without its passphrase."""
    path, typed = Path(name).expanduser(), quote(name)
    closed = Command(f"chmod 600 {typed}")
    try:
        of = path.stat()
        data = path.read_bytes()[:_LARGEST] if stat.S_ISREG(of.st_mode) else b""
    except FileNotFoundError:
        named = Command("name the key that is (--private-key, ansible_ssh_private_key_file; ssh -i)")
        return KeyFault(name, "client-key-permissions", f"{name} is not there", named)
    except OSError as error:
        return KeyFault(name, "client-key-permissions", f"{name}: {error.strerror}", closed)
    if of.st_mode & 0o077 and of.st_uid == os.geteuid():
        mode = f"{stat.S_IMODE(of.st_mode):04o}"
        says = f"{name} has mode {mode}: others may read it, so ssh passes it over"
        return KeyFault(name, "client-key-permissions", says, closed)
    says = _unreadable(data)
    if not says:
        return _beside(name, data)
    mend = f"rewrite it: ssh-keygen -p -f {typed}, after: sed -i 's/\\r$//' {typed}; or name another key"
    if data.startswith(b"PuTTY-User-Key-File"):
        mend = f"puttygen {typed} -O private-openssh -o NEW_FILE, or name another key"
    return KeyFault(name, "client-key-unreadable", f"OpenSSH cannot read {name}: {says}", Command(mend))


def _beside(name: str, data: bytes) -> KeyFault | None:
    """ssh offers the key of NAME.pub where there is one, whatever the private one is (authfile.c)."""
    try:
        beside = Path(f"{name}.pub").expanduser().read_bytes()[:_LARGEST].split()
    except OSError:
        return None
    inside = _public_half(data)
    if len(beside) < 2 or not inside or beside[1] == base64.b64encode(inside):
        return None
    typed = quote(name)
    says = f"{name}.pub is the public half of another key than {name}, and ssh offers that one"
    mend = Command(f"mv {typed}.pub {typed}.pub.old; ssh-keygen -y -f {typed} >{typed}.pub")
    return KeyFault(name, "client-key-unreadable", says, mend)


def _public_half(data: bytes) -> bytes:
    """The public key inside of a private one, which no passphrase hides; b"" if none is seen."""
    found = re.match(rb"-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END", data)
    with contextlib.suppress(ValueError, struct.error):
        rest = base64.b64decode(b"".join(found[1].split()) if found else b"")
        if not rest.startswith(_MAGIC):
            return b""
        rest = rest[len(_MAGIC) :]
        for _ in ("cipher", "key derivation", "its options"):
            _, rest = _string(rest)
        return _string(rest[4:])[0]  # behind the number of keys
    return b""


def _string(data: bytes) -> tuple[bytes, bytes]:
    size = struct.unpack(">I", data[:4])[0]
    return data[4 : 4 + size], data[4 + size :]


def wants_passphrase(name: str) -> bool:
    """Whether the private key in the file is encrypted (PROTOCOL.key of OpenSSH, RFC 1421, RFC 5958)."""
    try:
        text = Path(name).expanduser().read_bytes()[:_LARGEST]
    except OSError:
        return False
    if text.startswith(b"-----BEGIN OPENSSH PRIVATE KEY-----"):
        with contextlib.suppress(ValueError):
            data = base64.b64decode(b"".join(text.split(b"\n")[1:3]) + b"==")
            return data.startswith(_MAGIC) and not data.startswith(_MAGIC + b"\0\0\0\4none")
        return False
    return b"ENCRYPTED" in text[:256] and text.startswith(b"-----BEGIN ")


def _unreadable(data: bytes) -> str:
    if data.startswith(b"PuTTY-User-Key-File"):
        return "it is in PuTTY's format"
    if data.startswith((b"ssh-", b"ecdsa-", b"sk-")):
        return "it is a public key, not the private one"
    if not data.startswith(b"-----BEGIN "):
        return "it is no private key"
    if b"\r\n" in data:
        return "its lines end with CR LF"
    return "" if data.endswith(b"\n") else "its last line has no end"
