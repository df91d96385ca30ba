"""Real logins with every combination of factors: by each of sshd's methods."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import paramiko

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEH"  # noqa: S105 - the secret of throw-away accounts
PASSWORD = "door-word"  # noqa: S105 - their password


def code(secret: str = SECRET, ahead: float = 0) -> str:
    """The code of now (RFC 6238)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    step = int((time.time() + ahead) // 30)
    digest = hmac.new(key, step.to_bytes(8, "big"), hashlib.sha1).digest()
    at = digest[-1] & 15
    number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One login: the methods in their order, and what is answered to the prompts of each."""

    address: str
    port: int
    user: str
    key: Path

    def gets_in(self, methods: Sequence[tuple[str, Sequence[str]]]) -> bool:
        """Whether sshd lets in, and runs a command, after these methods."""
        with socket.create_connection((self.address, self.port), timeout=10) as connection:
            transport = paramiko.Transport(connection)
            try:
                transport.start_client(timeout=10)
                for method, answers in methods:
                    self._by(transport, method, answers)
                if not transport.is_authenticated():
                    return False
                channel = transport.open_session(timeout=10)
                channel.exec_command("true")
                return channel.recv_exit_status() == 0
            except (paramiko.SSHException, EOFError, OSError):
                return False
            finally:
                transport.close()

    def _by(self, transport: paramiko.Transport, method: str, answers: Sequence[str]) -> None:
        if method == "publickey":
            transport.auth_publickey(self.user, paramiko.Ed25519Key.from_private_key_file(str(self.key)))
        elif method == "password":
            transport.auth_password(self.user, answers[0], fallback=False)
        else:
            left = list(answers)

            def handler(title: str, instructions: str, prompts: Sequence[tuple[str, bool]]) -> list[str]:
                return [left.pop(0) if left else "" for _ in prompts]

            transport.auth_interactive(self.user, handler)
