"""Whether the server is the one that it was: its key against the known_hosts files."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote
from typing import NoReturn

import paramiko

from sshdoctor.access.base import LoginError, LoginFailure
from sshdoctor.access.ssh.known_hosts import (
    KnownKey,
    add_known_key,
    fingerprint,
    known_hosts_files,
    known_hosts_name,
    known_keys,
)
from sshdoctor.model import Command, Login

_RSA = ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")


def _revoked(blob: bytes, lines: Sequence[KnownKey]) -> bool:
    return any(line.marker == "@revoked" and line.key == blob for line in lines)


class HostKeyCheck(paramiko.MissingHostKeyPolicy):
    """Paramiko asks it about every key, before anything secret is sent: it knows no key itself."""

    def __init__(self, login: Login, *, accept_new: bool) -> None:
        self.offered: str | None = None
        alias = login.host_key_alias or login.options.get("hostkeyalias")
        self._host = alias or login.address
        self._port = 22 if alias else login.port  # ssh(1) looks an alias up without a port
        self._files = known_hosts_files(login)
        strict = login.options.get("stricthostkeychecking", "").lower()
        self._accept_new = accept_new or strict == "accept-new"
        self._lines = known_keys(self._files, self._host, self._port)

    def prefer_known_types(self, transport: paramiko.Transport) -> None:
        """Ask for a key of a type that is known, so that one is not judged by another."""
        known = {name for line in self._own() for name in (_RSA if line.type == "ssh-rsa" else (line.type,))}
        options = transport.get_security_options()
        options.key_types = sorted(options.key_types, key=lambda name: name not in known)

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        """Returns if the key is known; raises LoginError if not."""
        kind, blob = key.get_name(), key.asbytes()
        self.offered = fingerprint(blob)
        if _revoked(blob, self._lines):
            self._refuse("host-key-changed", f"the {kind} key {self.offered} of {self._host} is revoked")
        if any(line.key == blob for line in self._own()):
            return
        if any(line.type == kind for line in self._own()):
            self._refuse("host-key-changed", self._changed(kind))
        if not self._own() and self._known_without_port(kind, blob):
            return
        if self._accept_new and not self._own():
            self._add(kind, blob)
        else:
            self._refuse("host-key-unknown", self._unknown(kind))

    def _own(self) -> list[KnownKey]:
        return [line for line in self._lines if not line.marker]

    def _known_without_port(self, kind: str, blob: bytes) -> bool:
        """As ssh(1): what is known of the host's key, or revoked, holds for its other ports too."""
        lines = known_keys(self._files, self._host, 22)
        if _revoked(blob, lines):
            self._refuse("host-key-changed", f"the {kind} key {self.offered} of {self._host} is revoked")
        return any(line.key == blob and not line.marker for line in lines)

    def _add(self, kind: str, blob: bytes) -> None:
        try:
            add_known_key(self._files[0], self._host, self._port, kind, blob)
        except OSError as error:
            self._refuse("host-key-unknown", f"{self._unknown(kind)}; {self._files[0]}: {error.strerror}")

    def _unknown(self, kind: str) -> Command:
        name = known_hosts_name(self._host, self._port)
        text = f"{name} offers the {kind} key {self.offered}"
        if any(line.marker == "@cert-authority" for line in self._lines):
            text += (
                ", and a @cert-authority line is there for it, but certificates of hosts are not understood"
            )
        if self._own():
            known = ", ".join(f"{fingerprint(line.key)} ({line.type})" for line in self._own())
            return Command(f"{text}; known are other types of key: {known}")
        return Command(f"{text}, which is in no known_hosts file; --accept-new-host-key accepts it")

    def _changed(self, kind: str) -> Command:
        line = next(line for line in self._own() if line.type == kind)
        name = known_hosts_name(self._host, self._port)
        typed = f"ssh-keygen -f {quote(line.file)} -R {quote(name)}"
        return Command(
            f"{name} offers the {kind} key {self.offered}, but {line.file}:{line.line} has "
            f"{fingerprint(line.key)}; if the new one is right: {typed}"
        )

    def _refuse(self, word: str, detail: str) -> NoReturn:
        known = tuple(dict.fromkeys(fingerprint(line.key) for line in self._own()))
        raise LoginError(LoginFailure(word=word, detail=detail, host_key=self.offered, known_host_keys=known))
