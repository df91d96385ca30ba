"""Real logins with every combination of factors, by each method, in every order that sshd allows."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import paramiko

from sshdoctor.doors.factors import ANYBODY, Sets, least

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEH"  # noqa: S105 - the secret of throw-away accounts
PASSWORD = "door-word"  # noqa: S105 - their password
WRONG = "another-word"

Step = tuple[str, tuple[str, ...]]
"""A method, and what is typed for it: names of ``TEXTS``, or of keys."""
TEXTS: Mapping[str, frozenset[str]] = {
    "wrong": frozenset(),
    "password": frozenset({"password"}),
    "code": frozenset({"code"}),
    "passcode": frozenset({"passcode"}),
}
_PATIENCE = 20
_AT_A_PASSWORD_PROMPT = ("wrong", "password", "passcode")


def code(secret: str = SECRET, ahead: float = 0) -> str:
    """The code of now (RFC 6238)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    step = int((time.time() + ahead) // 30)
    digest = hmac.new(key, step.to_bytes(8, "big"), hashlib.sha1).digest()
    at = digest[-1] & 15
    number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def typed(name: str) -> str:
    return {"wrong": WRONG, "password": PASSWORD, "code": code(), "passcode": PASSWORD + code()}[name]


@dataclass(slots=True)
class _Outcome:
    """``ok``: let in, and a command ran. ``open``: sshd wants more, by one of these methods. ``asks``: for
    more than was typed."""

    ok: bool = False
    open: tuple[str, ...] = ()
    asks: bool = False


@dataclass(frozen=True, slots=True)
class Logins:
    """Tries everything that somebody with some of the factors could. ``keys``: the files, by factor;
    ``source``: the address from which he comes, of several that this machine has."""

    address: str
    port: int
    user: str
    keys: Mapping[str, Path] = field(default_factory=dict)
    source: str = ""

    def sets(self) -> Sets:
        """The smallest sets of factors that get in."""
        found: list[frozenset[str]] = []
        first = self._try((("none", ()),))
        if first.ok:
            return ANYBODY
        waiting: list[tuple[Step, ...]] = [(step,) for step in self._steps(first.open)]
        while waiting:
            waiting.sort(key=lambda steps: len(_factors(steps)))
            steps = waiting.pop(0)
            if any(one <= _factors(steps) for one in found):
                continue
            outcome = self._try(steps)
            if outcome.ok:
                found.append(_factors(steps))
            elif outcome.asks:
                (method, texts), before = steps[-1], steps[:-1]
                waiting += [(*before, (method, (*texts, text))) for text in TEXTS]
            elif len(steps) < 3:
                waiting += [(*steps, step) for step in self._steps(outcome.open)]
        return least(found)

    def _steps(self, methods: Sequence[str]) -> Iterator[Step]:
        for method in methods:
            if method == "publickey":
                yield from ((method, (name,)) for name in self.keys)
            elif method == "password":
                yield from ((method, (text,)) for text in _AT_A_PASSWORD_PROMPT)
            elif method == "keyboard-interactive":
                yield method, ()

    def _try(self, steps: Sequence[Step]) -> _Outcome:
        transport = self._met()
        try:
            return self._walk(transport, steps)
        except (paramiko.SSHException, EOFError, OSError):
            return _Outcome()
        finally:
            transport.close()

    def _met(self) -> paramiko.Transport:
        """A connection that sshd has greeted; one that reads its configuration anew is waited for."""
        target = (self.address, self.port)
        for patience in range(_PATIENCE, -1, -1):
            transport = None
            try:
                transport = paramiko.Transport(socket.create_connection(target, 10, (self.source, 0)))
                transport.start_client(timeout=10)
            except (paramiko.SSHException, EOFError, OSError):
                if transport is not None:
                    transport.close()
                if not patience:
                    raise
                time.sleep(0.2)
            else:
                return transport
        raise AssertionError

    def _walk(self, transport: paramiko.Transport, steps: Sequence[Step]) -> _Outcome:
        left: Sequence[str] = ()
        for number, (method, texts) in enumerate(steps, 1):
            asked = [0]
            try:
                left = self._by(transport, method, texts, asked)
            except paramiko.BadAuthenticationType as refused:
                return _Outcome(open=tuple(refused.allowed_types)) if method == "none" else _Outcome()
            except paramiko.AuthenticationException:
                return _Outcome(asks=method == "keyboard-interactive" and asked[0] > len(texts))
            if method == "keyboard-interactive" and asked[0] > len(texts):
                return _Outcome(asks=True)
            if number == len(steps) and not transport.is_authenticated():
                return _Outcome(open=tuple(left))
        channel = transport.open_session(timeout=10)
        channel.exec_command("true")
        return _Outcome(ok=channel.recv_exit_status() == 0)

    def _by(
        self, transport: paramiko.Transport, method: str, texts: Sequence[str], asked: list[int]
    ) -> Sequence[str]:
        if method == "none":
            return transport.auth_none(self.user)
        if method == "publickey":
            return transport.auth_publickey(self.user, self._key(texts[0]))
        if method == "password":
            return transport.auth_password(self.user, typed(texts[0]), fallback=False)

        def handler(title: str, told: str, prompts: Sequence[tuple[str, bool]]) -> list[str]:
            first, asked[0] = asked[0], asked[0] + len(prompts)
            return [typed(texts[at]) if at < len(texts) else "" for at in range(first, asked[0])]

        return transport.auth_interactive(self.user, handler)

    def _key(self, name: str) -> paramiko.PKey:
        key = paramiko.Ed25519Key.from_private_key_file(str(self.keys[name]))
        if name == "cert":
            key.load_certificate(f"{self.keys[name]}-cert.pub")
        return key


def _factors(steps: Sequence[Step]) -> frozenset[str]:
    return frozenset().union(*(TEXTS.get(text, frozenset({text})) for _, texts in steps for text in texts))
