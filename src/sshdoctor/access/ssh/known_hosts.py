"""known_hosts files: who is known by which key (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""

from __future__ import annotations

import base64
import binascii
import fnmatch
import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from sshdoctor.model import Login

_SYSTEM = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
_USER = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")


class KnownKey(Struct, frozen=True):
    """One line of a known_hosts file. ``marker`` is "", "@revoked" or "@cert-authority"."""

    file: str
    line: int
    marker: str
    names: str
    type: str
    key: bytes

    def is_for(self, name: str) -> bool:
        """Whether this line speaks of ``name``; a pattern with ``!`` takes out what another lets in."""
        if self.names.startswith("|1|"):
            return _hash_matches(self.names, name)
        patterns = self.names.lower().split(",")
        if any(pattern.startswith("!") and _matches(pattern[1:], name) for pattern in patterns):
            return False
        return any(_matches(pattern, name) for pattern in patterns)


def fingerprint(key: bytes) -> str:
    """A public key's fingerprint, as ``ssh-keygen -l`` prints it.

    >>> fingerprint(b"")
    'SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU'
    """
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


def known_hosts_name(host: str, port: int) -> str:
    """The name under which a service stands in the file.

    >>> known_hosts_name("Web1", 22), known_hosts_name("web1", 2222)
    ('web1', '[web1]:2222')
    """
    return host.lower() if port == 22 else f"[{host.lower()}]:{port}"


def known_hosts_files(login: Login) -> tuple[Path, ...]:
    """The files to look in, first the one that a new key is written to."""
    user = login.known_hosts or tuple(login.options.get("userknownhostsfile", "").split()) or _USER
    system = (
        () if login.known_hosts else tuple(login.options.get("globalknownhostsfile", "").split()) or _SYSTEM
    )
    return tuple(Path(name).expanduser() for name in (*user, *system) if name.lower() != "none")


def known_keys(files: Iterable[Path], host: str, port: int) -> list[KnownKey]:
    """Every line about a service, in order. A file that is not there knows nothing."""
    name = known_hosts_name(host, port)
    return [entry for file in files for entry in _read(file) if entry.is_for(name)]


def add_known_key(file: Path, host: str, port: int, key_type: str, key: bytes) -> None:
    """Append one key (never change a line), creating the file as ssh(1) does: 0600 in a 0700 folder."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    line = f"{known_hosts_name(host, port)} {key_type} {base64.b64encode(key).decode()}\n"
    descriptor = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "rb+", buffering=0) as opened:
        size = opened.seek(0, os.SEEK_END) if opened.seekable() else 0
        if size:
            opened.seek(-1, os.SEEK_END)
            if opened.read(1) != b"\n":
                line = "\n" + line
        opened.write(line.encode())


def _read(file: Path) -> Iterator[KnownKey]:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        marker = words.pop(0) if words and words[0].startswith("@") else ""
        if len(words) < 3 or words[0].startswith("#"):
            continue
        try:
            key = base64.b64decode(words[2], validate=True)
        except binascii.Error:
            continue
        yield KnownKey(str(file), number, marker, words[0], words[1], key)


def _matches(pattern: str, name: str) -> bool:
    """``*`` and ``?`` are wildcards; brackets are part of ``[host]:port``, not a character class."""
    return fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))


def _hash_matches(names: str, name: str) -> bool:
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in names.split("|")[2:4])
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), "sha1").digest(), digest)
