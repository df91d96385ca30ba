"""The way to an SSH server: straight, through jump hosts, or through a ProxyCommand."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import socket as sockets
import subprocess
from collections.abc import Iterator
from typing import Any

import paramiko
from msgspec.structs import replace

from sshdoctor.access.base import LoginError
from sshdoctor.access.ssh.login import log_in, user_of
from sshdoctor.errors import AccessError
from sshdoctor.model import Login

_JUMP = re.compile(
    r"(?:ssh://)?(?>(?:(?P<user>.*)@)?)(?:\[(?P<bracketed>[^\]]+)\]|(?P<host>[^:]+))(?::(?P<port>\d+))?/?"
)

_SIGNS_OF_LIFE = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 4, "TCP_USER_TIMEOUT": 30_000}

_FIRST = 4096
"""Bytes of what a ProxyCommand writes that are kept."""

# RFC 4254 5.1: why a server opens no channel.
_PROHIBITED = 1

PROXY = "proxy command"
"""The stage that this machine's own ProxyCommand is."""
OWN_CONFIG = "client's own configuration"
"""The stage that ssh_config is, where ssh does not take it."""


def open_route(
    login: Login,
    socket: sockets.socket | None,
    stack: contextlib.ExitStack,
    *,
    timeout: float,
    accept_new_host_key: bool,
) -> Any:
    """A socket, or a channel that acts as one; what must be closed afterwards goes on ``stack``."""
    if login.fault:
        raise AccessError("local-unreachable", login.fault, stage=OWN_CONFIG)
    if login.jumps:
        return _through_jumps(login, stack, timeout=timeout, accept_new_host_key=accept_new_host_key)
    command = login.options.get("proxycommand", "none")
    if command.lower() != "none":
        return _through_command(command, login, stack, timeout)
    if socket is not None:
        return socket
    return _straight(login, timeout)


def parse_jump(jump: str, login: Login) -> Login:
    """One hop: the login's own keys and known_hosts files, but never its password.

    >>> hop = parse_jump("ops@[2001:db8::1]:2222", Login(address="web1", port=22))
    >>> (hop.user, hop.address, hop.port)
    ('ops', '2001:db8::1', 2222)
    """
    found = _JUMP.fullmatch(jump)
    if not found:
        raise AccessError("name-not-found", f"{jump!r} is no jump host: user@host:port is")
    return Login(
        address=found["bracketed"] or found["host"],
        port=int(found["port"] or 22),
        user=found["user"] or None,
        key_files=login.key_files,
        known_hosts=login.known_hosts,
        options={name: value for name, value in login.options.items() if name in _SHARED},
    )


_SHARED = ("identitiesonly", "userknownhostsfile", "globalknownhostsfile", "stricthostkeychecking")


def _through_jumps(
    login: Login, stack: contextlib.ExitStack, *, timeout: float, accept_new_host_key: bool
) -> Any:
    hops = [parse_jump(jump, login) for jump in login.jumps]
    try:
        sock: Any = _straight(hops[0], timeout)
    except AccessError as error:
        raise AccessError(error.word, error.detail, stage=stage_of(hops[0])) from None
    for hop, following in zip(hops, [*hops[1:], login], strict=True):
        try:
            connection = log_in(hop, sock, timeout=timeout, accept_new_host_key=accept_new_host_key)
        except LoginError as error:
            where = f"at the jump host {user_of(hop)}@{hop.address}:{hop.port}"
            failure = replace(error.failure, detail=f"{where}: {error.detail}", stage=stage_of(hop))
            raise LoginError(failure) from None
        stack.callback(connection.close)
        sock = _channel(connection.transport, hop, following, timeout)
    return sock


def stage_of(hop: Login) -> str:
    """A jump host as a stage of the way."""
    return f"jump {user_of(hop)}@{hop.address}"


def _channel(transport: paramiko.Transport, hop: Login, target: Login, timeout: float) -> paramiko.Channel:
    """A connection from the hop on; what the hop met there has only coarse words."""
    where = f"{target.address}:{target.port} from the jump host {hop.address}"
    try:
        return transport.open_channel(
            "direct-tcpip", (target.address, target.port), ("127.0.0.1", 0), timeout=timeout
        )
    except paramiko.ChannelException as error:
        stage = stage_of(hop) if error.code == _PROHIBITED else ""
        raise AccessError(_word(error), f"{where}: {error.text}", stage=stage) from None
    except (paramiko.SSHException, EOFError, OSError) as error:
        silent = "timeout" in str(error).lower()
        raise AccessError("silence" if silent else "session-closed", f"{where}: {error}") from None


def _word(error: paramiko.ChannelException) -> str:
    """A reply word by OpenSSH's text for a failed connect (channels.c, connect_next)."""
    text = error.text.lower()
    if error.code == _PROHIBITED:
        return "session-closed"
    if "refused" in text:
        return "refused"
    if "timed out" in text:
        return "silence"
    if "name" in text or "resolution" in text:
        return "name-not-found"
    return "unreachable" if "unreachable" in text or "no route" in text else "refused"


def _through_command(
    command: str, login: Login, stack: contextlib.ExitStack, timeout: float
) -> sockets.socket:
    """A ProxyCommand's two pipes as one socket; the command is ended with the login (ssh_config(5))."""
    known_as = login.host_key_alias or login.options.get("hostkeyalias", login.address)
    tokens = {"%": "%", "h": login.address, "k": known_as, "n": login.address, "p": str(login.port)}
    tokens["r"] = user_of(login)
    filled = re.sub(
        r"%(.)", lambda found: tokens[found[1]] if found[1] == "%" else _quoted(tokens, found), command
    )
    program = shlex.split(filled)[0] if filled.strip() else ""
    if not _is_command(program):
        said = f"the ProxyCommand {program!r} is not installed on this machine"
        raise AccessError("closed-before-banner", said, stage=PROXY)
    pair = sockets.socketpair()
    ours, theirs = _Heard(fileno=pair[0].detach()), pair[1]
    with theirs:
        process = subprocess.Popen(
            ("sh", "-c", f"exec {filled}"),
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    stack.callback(_end, process)
    stack.callback(ours.close)
    if login.options.get("proxyusefdpass", "no").lower() in ("yes", "true"):
        return _passed(ours, timeout, stack)
    stack.enter_context(_told_by(process, ours))
    return ours


class _Heard(sockets.socket):
    """A socket that remembers what came first."""

    heard = b""

    def recv(self, *arguments: int) -> bytes:
        got = super().recv(*arguments)
        self.heard += got[: _FIRST - len(self.heard)]
        return got


def _passed(ours: sockets.socket, timeout: float, stack: contextlib.ExitStack) -> sockets.socket:
    """The connection that a ProxyCommand makes and hands over (ssh_config(5), ProxyUseFdpass)."""
    ours.settimeout(timeout)
    try:
        received = sockets.recv_fds(ours, 1, 1)[1]
    except OSError:
        received = []
    if not received:
        said = "the ProxyCommand passed no connection back, as ProxyUseFdpass has it do"
        raise AccessError("closed-before-banner", said, stage=PROXY)
    return stack.enter_context(sockets.socket(fileno=received[0]))


def _is_command(program: str) -> bool:
    """Whether this machine's shell knows it: a program, or a word of its own."""
    return (
        subprocess.run(
            ("sh", "-c", 'command -v -- "$0"', program), capture_output=True, check=False
        ).returncode
        == 0
    )


@contextlib.contextmanager
def _told_by(process: subprocess.Popen[bytes], ours: _Heard) -> Iterator[None]:
    """A login that fails because the command has ended is told in the command's own words."""
    left = ours.dup()  # what nobody came to read: ``ours`` is closed by then
    try:
        yield
    except LoginError as error:
        early = error.word in ("closed-before-banner", "no-banner")
        if not early or process.poll() is None or process.stderr is None:
            raise
        texts = process.stderr.read(_FIRST), ours.heard + _rest(left)
        said = [line for text in texts if (line := _last_line(text))]
        last = "; ".join(said) or f"it ended with status {process.returncode}"
        failure = replace(error.failure, detail=f"the ProxyCommand: {last}", stage=PROXY)
        raise LoginError(failure) from None
    finally:
        left.close()


def _rest(socket: sockets.socket) -> bytes:
    socket.setblocking(False)
    try:
        return socket.recv(_FIRST)
    except OSError:
        return b""


def _last_line(text: bytes) -> str:
    lines = text.decode("utf-8", "backslashreplace").strip().splitlines()
    return lines[-1] if lines else ""


def _quoted(tokens: dict[str, str], found: re.Match[str]) -> str:
    if found[1] not in tokens:
        said = f"ProxyCommand has {found[0]}, which ssh does not know there; it knows %h %k %n %p %r %%"
        raise AccessError("closed-before-banner", said, stage=PROXY)
    return shlex.quote(tokens[found[1]])


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGTERM)
    process.wait()


def watch(socket: sockets.socket) -> None:
    """Have the kernel ask a silent peer for a sign of life (tcp(7)): a cut line is noticed in 30 seconds.

    Without it a script that says nothing for minutes, and one that nobody will ever hear of again, are alike.
    """
    socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_KEEPALIVE, 1)
    for name, value in _SIGNS_OF_LIFE.items():
        if hasattr(sockets, name):  # each system has some of them
            socket.setsockopt(sockets.IPPROTO_TCP, getattr(sockets, name), value)


def _straight(login: Login, timeout: float) -> sockets.socket:
    """The first address that answers; who wants the exact word dials before (see outside)."""
    try:
        socket = sockets.create_connection((login.address, login.port), timeout)
    except (sockets.gaierror, UnicodeError) as error:
        raise AccessError("name-not-found", f"{login.address}: {error}") from None
    except TimeoutError:
        raise AccessError("silence", f"{login.address}:{login.port}") from None
    except ConnectionRefusedError as error:
        raise AccessError("refused", f"{login.address}:{login.port}: {error.strerror}") from None
    except OSError as error:
        raise AccessError("unreachable", f"{login.address}:{login.port}: {error.strerror}") from None
    watch(socket)
    return socket
