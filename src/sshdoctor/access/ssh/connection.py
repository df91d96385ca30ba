"""SSH: a Fabric connection on a socket that is already connected, and scripts over it."""

from __future__ import annotations

import contextlib
import secrets
import shlex
import socket as sockets
import time

import paramiko

from sshdoctor.access.base import Output
from sshdoctor.access.shell import KeptOutput, Shell, become_shell, run_script
from sshdoctor.access.ssh.joined import joined
from sshdoctor.access.ssh.login import log_in, user_of
from sshdoctor.access.ssh.route import open_route, watch
from sshdoctor.errors import AccessError
from sshdoctor.model import Become, Login

_CHUNK = 65536
_STREAM_SECONDS = 10.0
_STDERR_SECONDS = 0.1
"""How long standard error waits to be read while standard output is silent."""


def open_ssh(
    login: Login,
    *,
    become: Become | None = None,
    socket: sockets.socket | None = None,
    timeout: float,
    accept_new_host_key: bool = False,
) -> SshAccess:
    """Log in; ``timeout`` in seconds for each step.

    ``socket`` is connected to the server and unread; without it, or with jump hosts or a ProxyCommand,
    the way there is made here. Nothing is ever asked: a key that needs a passphrase is left to the
    agent. Raises LoginError for what goes wrong at a server, AccessError for the way to it.
    """
    with contextlib.ExitStack() as stack:
        if socket is not None:
            stack.callback(socket.close)
            # Small packets follow each other in a login: Nagle would hold them for the peer's delayed ACK.
            socket.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
            watch(socket)
        sock = open_route(login, socket, stack, timeout=timeout, accept_new_host_key=accept_new_host_key)
        connection = log_in(login, sock, timeout=timeout, accept_new_host_key=accept_new_host_key)
        stack.callback(connection.close)
        if become is not None and become.user == user_of(login):
            become = None
        access = SshAccess(
            connection.transport, f"{user_of(login)}@{login.address}:{login.port}", stack.pop_all()
        )
    try:
        access.take_privileges(become, timeout)
    except BaseException:
        access.close()
        raise
    return access


class SshAccess:
    """One logged-in connection; each run is one exec of its own on it."""

    via = "ssh"

    def __init__(self, transport: paramiko.Transport, detail: str, stack: contextlib.ExitStack) -> None:
        self.detail = detail
        self.privileges = ""
        self._transport = transport
        self._stack = stack
        self._shell = Shell()

    def take_privileges(self, become: Become | None, timeout: float) -> None:
        self._shell, self.privileges = become_shell(become, self._execute, timeout)

    def run(self, script: str, *, timeout: float, limit: int = 64 * 2**20, stop: str = "") -> Output:
        return run_script(self._execute, self._shell, script, timeout=timeout, limit=limit, stop=stop)

    def speaks(self, timeout: float) -> bool:
        """Whether a command runs at all: the plainest, which a restricted shell runs as well."""
        token = f"sshdoctor-{secrets.token_hex(8)}"
        capture = KeptOutput(token, 65536)
        with contextlib.suppress(AccessError):
            self._command(f"echo {token}", b"", timeout, capture)
        return token in capture.output().stdout.decode("utf-8", "replace").splitlines()

    def stream(self, argv: tuple[str, ...]) -> sockets.socket:
        return joined(self._open_channel("exec " + shlex.join(argv), _STREAM_SECONDS))

    def close(self) -> None:
        self._stack.close()

    def _execute(self, argv: tuple[str, ...], stdin: bytes, timeout: float, capture: KeptOutput) -> None:
        """One exec request. ``exec WORDS`` means the same to sh, csh and fish."""
        self._command("exec " + shlex.join(argv), stdin, timeout, capture)

    def _command(self, command: str, stdin: bytes, timeout: float, capture: KeptOutput) -> None:
        deadline = time.monotonic() + timeout
        channel = self._open_channel(command, timeout)
        try:
            # A shell that refuses does not read; of a connection that is lost, paramiko says EOFError.
            with contextlib.suppress(OSError, EOFError):
                channel.sendall(stdin)
                channel.shutdown_write()
            _read(channel, deadline, capture)
            if not capture.cut:
                capture.status = _exit_status(channel, deadline, capture)
            if capture.cut == "time":
                capture.cut = f"timed out after {timeout:g} s"
        finally:
            with contextlib.suppress(OSError, EOFError):
                channel.close()

    def _open_channel(self, command: str, timeout: float) -> paramiko.Channel:
        try:
            channel = self._transport.open_session(timeout=timeout)
            channel.settimeout(timeout)
            channel.exec_command(command)
        except paramiko.ChannelException as error:
            raise AccessError("session-closed", f"the server refused a session: {error.text}") from None
        except Exception as error:  # paramiko hands on whatever its reading thread died of
            said = str(error) or "the connection was closed"
            raise AccessError("session-closed", f"no session could be opened: {said}") from None
        return channel


def _read(channel: paramiko.Channel, deadline: float, capture: KeptOutput) -> None:
    """Both streams until their end, or until ``capture.cut`` says why not.

    Not by polling ``channel.fileno()``: with it the connection was now and then closed under the reading
    thread ("Bad file descriptor", paramiko 4.0). Its pipe is the suspect; that was not proved.
    """
    while not capture.cut:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            capture.cut = "time"
            return
        channel.settimeout(min(remaining, _STDERR_SECONDS))
        chunk: bytes | None = None
        with contextlib.suppress(TimeoutError):
            chunk = channel.recv(_CHUNK)
        while channel.recv_stderr_ready():
            capture.add_stderr(channel.recv_stderr(_CHUNK))
        if chunk:
            capture.add_stdout(chunk)
        elif chunk is not None:
            return


def _exit_status(channel: paramiko.Channel, deadline: float, capture: KeptOutput) -> int | None:
    """What the server said the command ended with; None for a signal, or if it said nothing."""
    if not channel.status_event.wait(max(0.0, deadline - time.monotonic())):
        capture.cut = "time"
        return None
    if channel.exit_status < 0:
        transport = channel.get_transport()
        capture.cut = "" if transport.is_active() else "the connection was lost"
        return None
    return channel.exit_status
