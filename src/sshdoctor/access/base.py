"""What every way in is."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct, field

from sshdoctor.errors import AccessError
from sshdoctor.model import Unknown


class Output(Struct, frozen=True):
    """What a script wrote, as raw bytes, and its exit status; None if it was cut off (time, a lost link)."""

    stdout: bytes
    status: int | None
    error: str = ""
    """Why it was cut off, or the last line that it, or the transport, wrote to standard error."""


class LoginFailure(Struct, frozen=True, kw_only=True):
    """What was learnt while a login failed. Fingerprints are "SHA256:" and so on.

    ``word`` is a reply word; ``client_keys`` were offered and refused, ``methods`` are what the server
    would take; the algorithm lists are by name ("kex", "host key", "cipher", "mac") in order of preference.
    """

    word: str
    detail: str
    stage: str = ""
    """Where on the way it failed: a jump host, a ProxyCommand; "" at the server itself."""
    seconds: float = 0.0
    """From the greeting to the failure."""
    late: float = 0.0
    """How long the person's own client took, which waited longer and got in; 0 where it did not."""
    host_key: str | None = None
    known_host_keys: tuple[str, ...] = ()
    client_keys: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    client_algorithms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    server_algorithms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def unanswered(self) -> bool:
        """The server let the login wait until the client's time for it was over (paramiko's words)."""
        return "Authentication timeout" in self.detail


class Offers(Struct, frozen=True, kw_only=True):
    """What a client would bring to a login: the fingerprints of its ``keys``, and the host's keys that it
    knows, each its type and fingerprint."""

    keys: tuple[str, ...] | Unknown = ()
    host_keys: tuple[tuple[str, str], ...] = ()


class LoginError(AccessError):
    """A login that failed, with what was learnt on the way."""

    def __init__(self, failure: LoginFailure) -> None:
        super().__init__(failure.word, failure.detail, stage=failure.stage)
        self.failure = failure


class Access(Protocol):
    """An open way in. ``run`` may be called several times; ``close`` is idempotent."""

    via: str
    detail: str
    privileges: str
    """Why scripts do not run as the user that was asked for ("sudo: a password is required"), or empty."""

    def run(self, script: str, *, timeout: float, limit: int = 64 * 2**20, stop: str = "") -> Output:
        """Run ``script`` with ``sh`` on the host, as root where the way in says so.

        ``timeout`` in seconds for the whole script; ``limit`` in bytes of output kept (more is
        thrown away and the script ended, so that a flood cannot fill this machine's memory).
        Raises AccessError if the script could not be started at all.
        On a timeout, a flood, and on KeyboardInterrupt (which passes on), the shell and its process
        group are killed on the host, then ``stop`` is run there: it ends what left the group (as what
        runs under timeout(1) does). A process in a session of its own lives on: setsid is the way to
        leave something running on purpose.
        """
        ...

    def stream(self, argv: tuple[str, ...]) -> socket.socket:
        """Run ``argv`` on the host, as whoever logs in; the socket is its standard input and output.

        The program ends when the socket is closed, if it reads its input. Raises AccessError.
        """
        ...

    def close(self) -> None: ...
