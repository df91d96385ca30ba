"""One login: negotiate, check the host key, authenticate; and what went wrong, in the contract's words."""

from __future__ import annotations

import getpass
import logging
import re
from typing import Any, ClassVar

import paramiko
from fabric import Config, Connection  # type: ignore[import-untyped]  # it has no types

from sshdoctor.access.base import LoginError, LoginFailure
from sshdoctor.access.ssh.authentication import Authentication
from sshdoctor.access.ssh.host_key import HostKeyCheck
from sshdoctor.errors import AccessError
from sshdoctor.model import Login


def user_of(login: Login) -> str:
    return login.user or getpass.getuser()


def log_in(login: Login, sock: Any, *, timeout: float, accept_new_host_key: bool) -> Connection:
    """A Fabric connection that is logged in on ``sock``. Raises LoginError; ``sock`` is then closed.

    Fabric reads no configuration of its own, neither its files nor ssh's: all that is in ``login``.
    """
    check = HostKeyCheck(login, accept_new=accept_new_host_key)
    authentication = Authentication(login, user_of(login))
    log = _Log()
    made: list[paramiko.Transport] = []

    def transport(sock: Any, **options: Any) -> paramiko.Transport:
        made.append(paramiko.Transport(sock, **options))
        made[0].set_log_channel(log.channel)
        agree_to_no_more(made[0], login)
        check.prefer_known_types(made[0])
        return made[0]

    connection = Connection(
        login.address,
        user=user_of(login),
        port=login.port,
        gateway=False,
        config=Config(lazy=True, ssh_config=paramiko.SSHConfig()),
        connect_kwargs={
            "sock": sock,
            "transport_factory": transport,
            "auth_strategy": authentication,
            "timeout": timeout,
            "banner_timeout": timeout + 1,  # so that of the two it is always "timeout" that ends the wait
            "auth_timeout": timeout,
            "channel_timeout": timeout,
        },
    )
    connection.client.set_missing_host_key_policy(check)
    connection.client.set_log_channel(log.channel)
    try:
        connection.open()
    except BaseException as error:
        connection.client.close()
        sock.close()
        if isinstance(error, AccessError) or not isinstance(error, Exception):
            raise
        # A server can make paramiko's reading thread fail in any way, and paramiko hands that on.
        raise LoginError(_failure(error, check, authentication, log, made)) from None
    return connection


def _failure(
    error: Exception,
    check: HostKeyCheck,
    authentication: Authentication,
    log: _Log,
    made: list[paramiko.Transport],
) -> LoginFailure:
    """The one place where what paramiko raises gets a word: by how far the login had come."""
    said = log.disconnect or str(error) or type(error).__name__
    if isinstance(error, EOFError):
        said = log.disconnect or "the server closed the connection"
    if authentication.began:
        return LoginFailure(
            word="auth-denied",
            detail=_auth_detail(authentication, "" if said == "no method worked" else said),
            host_key=check.offered,
            client_keys=tuple(authentication.offered),
            methods=authentication.methods,
        )
    endless = said == "No existing session"  # paramiko's words for a negotiation that did not end in time
    if not made or not made[0].remote_version:
        if endless:
            return LoginFailure(word="no-banner", detail="no banner within the time")
        return LoginFailure(word="closed-before-banner", detail=said)
    if endless:
        said = "the key exchange stalled: large packets may not get through"
    return LoginFailure(
        word="kex-failed",
        detail=said,
        client_algorithms=_own_algorithms(made[0]),
        server_algorithms=log.algorithms,
    )


def _auth_detail(authentication: Authentication, said: str) -> str:
    methods = ", ".join(authentication.methods)
    offered = authentication.offered
    parts = [
        said,
        f"the server takes {methods}" if methods else "",
        f"refused keys: {', '.join(offered)}" if offered else "no key was offered",
        *authentication.notes,
    ]
    return "; ".join(part for part in parts if part)


_OFFERED = {"kexalgorithms": "kex", "ciphers": "ciphers", "macs": "digests", "hostkeyalgorithms": "key_types"}
"""What ssh_config(5) and paramiko call the lists that a client offers."""


def agree_to_no_more(transport: paramiko.Transport, login: Login) -> None:
    """What the person's own client refuses is refused: SHA-1, say, which older versions of paramiko take."""
    options = transport.get_security_options()
    for name, own in _OFFERED.items():
        agreed = login.algorithms.get(name, ())
        if left := tuple(one for one in getattr(options, own) if one in agreed):
            setattr(options, own, left)


def _own_algorithms(transport: paramiko.Transport) -> dict[str, tuple[str, ...]]:
    options = transport.get_security_options()
    return {
        "kex": tuple(options.kex),
        "host key": tuple(options.key_types),
        "cipher": tuple(options.ciphers),
        "mac": tuple(options.digests),
    }


class _Log(logging.Handler):
    """What paramiko tells its log alone: the server's algorithms, and its last words.

    It also keeps paramiko's tracebacks off the terminal.
    """

    _LISTS: ClassVar = {
        "kex algos": "kex",
        "server key": "host key",
        "server encrypt": "cipher",
        "server mac": "mac",
    }

    def __init__(self) -> None:
        super().__init__()
        self.disconnect = ""
        self.algorithms: dict[str, tuple[str, ...]] = {}
        self.channel = f"sshdoctor.ssh.{id(self):x}"
        logger = logging.getLogger(self.channel)
        logger.handlers = [self]
        logger.propagate = False
        logger.setLevel(logging.DEBUG)

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        name, _, rest = message.partition(": ")
        if name in self._LISTS:
            self.algorithms[self._LISTS[name]] = tuple(rest.split(", "))
        elif found := re.match(r"Disconnect \(code \d+\): (.*)", message, re.DOTALL):
            self.disconnect = " ".join(found[1].split())
