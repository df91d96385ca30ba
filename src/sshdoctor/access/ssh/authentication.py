"""Who we are: the keys and the password of a login, offered in OpenSSH's order."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import paramiko
from msgspec import Struct

from sshdoctor.access.ssh.known_hosts import fingerprint
from sshdoctor.model import Login

_UNANSWERED = "Authentication timeout"
"""paramiko's words (auth_handler.py) for a server that says nothing within Transport.auth_timeout."""
_DEFAULTS = ("id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "id_xmss", "id_dsa")


class _Identity(Struct, frozen=True):
    name: str
    key: paramiko.PKey


def _is_no_answer(transport: paramiko.Transport, error: Exception) -> bool:
    """The server refused nothing: it hung up, or said nothing in time (one exception of paramiko for all)."""
    return not transport.is_active() or _UNANSWERED in str(error)


class Authentication:
    """Paramiko's ``auth_strategy``: tries one method after the other, and remembers what came of it.

    First "none", as ssh(1) does, which makes the server name its methods; then the given key files, the
    agent's keys (unless IdentitiesOnly), the default files if none was given, and last the password.
    """

    def __init__(self, login: Login, user: str) -> None:
        self.offered: list[str] = []
        self.methods: tuple[str, ...] = ()
        self.notes: list[str] = []
        self.began = False
        self._login = login
        self._user = user

    def authenticate(self, transport: paramiko.Transport) -> None:
        """Returns once logged in; raises paramiko's AuthenticationException if nothing worked."""
        self.began = True
        if self._ask_methods(transport):
            return
        off = self._login.options.get("pubkeyauthentication", "yes").lower() in ("no", "false")
        if "publickey" in self.methods and not off:
            for identity in self._identities():
                if self._offer(transport, identity):
                    return
                if "publickey" not in self.methods:
                    break
        if self._try_password(transport):
            return
        raise paramiko.AuthenticationException("no method worked")

    def _ask_methods(self, transport: paramiko.Transport) -> bool:
        try:
            self.methods = tuple(transport.auth_none(self._user))
        except paramiko.BadAuthenticationType as refusal:
            self.methods = tuple(refusal.allowed_types)
        return transport.is_authenticated()

    def _offer(self, transport: paramiko.Transport, identity: _Identity) -> bool:
        self.offered.append(identity.name)
        try:
            self._partly(transport.auth_publickey(self._user, identity.key))
        except paramiko.BadAuthenticationType as refusal:
            self.methods = tuple(refusal.allowed_types)
        except paramiko.SSHException as error:
            if _is_no_answer(transport, error):
                raise
            if not isinstance(error, paramiko.AuthenticationException):
                self.notes.append(f"{identity.name}: {error}")
        return transport.is_authenticated()

    def _try_password(self, transport: paramiko.Transport) -> bool:
        password = self._login.password
        if password is None or not {"password", "keyboard-interactive"} & set(self.methods):
            return False
        try:
            if "password" in self.methods:
                self._partly(transport.auth_password(self._user, password.reveal(), fallback=False))
            else:
                answer = password.reveal()
                transport.auth_interactive(
                    self._user, lambda title, instructions, prompts: [answer for _ in prompts]
                )
        except paramiko.BadAuthenticationType as refusal:
            self.methods = tuple(refusal.allowed_types)
        except paramiko.AuthenticationException as error:
            if _is_no_answer(transport, error):
                raise
            self.notes.append("the password was refused")
        return transport.is_authenticated()

    def _partly(self, methods: list[str]) -> None:
        """The server took this one and wants another besides (RFC 4252 5.1)."""
        if methods:
            self.methods = tuple(methods)
            self.notes.append(f"one method was taken; it wants another besides: {', '.join(methods)}")

    def _identities(self) -> Iterator[_Identity]:
        """Every usable key once. A file that needs a passphrase stands in for its twin in the agent."""
        no_agent = self._login.options.get("identityagent", "").lower() == "none"
        agent = {} if no_agent else {identity.name: identity for identity in _agent_keys()}
        only = self._login.options.get("identitiesonly", "no").lower() == "yes"
        given = [Path(name).expanduser() for name in self._login.key_files]
        default = [path for name in _DEFAULTS if (path := Path("~/.ssh", name).expanduser()).exists()]
        seen: set[str] = set()
        for found in (
            *self._from_files(given, agent),
            *(() if only else agent.values()),
            *(() if given else self._from_files(default, agent)),
        ):
            if found.name not in seen:
                seen.add(found.name)
                yield found

    def _from_files(self, paths: list[Path], agent: dict[str, _Identity]) -> Iterator[_Identity]:
        for path in paths:
            twin = agent.get(_public_fingerprint(path))
            if twin:
                yield twin
                continue
            try:
                key = paramiko.PKey.from_path(path)
            except TypeError:
                self.notes.append(f"{path} needs a passphrase: ssh-add {path}")
            except OSError as error:
                self.notes.append(f"{path}: {error.strerror}")
            except Exception as error:  # paramiko and cryptography have no common base for bad keys
                self.notes.append(f"{path} is no key that can be used here ({type(error).__name__})")
            else:
                yield _Identity(fingerprint(key.asbytes()), key)


def _agent_keys() -> list[_Identity]:
    with contextlib.suppress(paramiko.SSHException, OSError):
        return [_Identity(fingerprint(key.asbytes()), key) for key in paramiko.Agent().get_keys()]
    return []


def _public_fingerprint(path: Path) -> str:
    """The fingerprint in ``PATH.pub``, or nothing."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return fingerprint(paramiko.pkey.PublicBlob.from_file(f"{path}.pub").key_blob)
    return ""
