"""A session's standard input and output as a socket, for what takes sockets alone (TLS, poll)."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

import paramiko

_AT_ONCE = 65536


def joined(channel: paramiko.Channel) -> socket.socket:
    """What is sent to the socket goes to the program of ``channel``, and the other way; closing ends both."""
    ours, theirs = socket.socketpair()
    channel.settimeout(None)
    for carry in (_in, _out):
        threading.Thread(target=carry, args=(channel, theirs), daemon=True).start()
    return ours


def _in(channel: paramiko.Channel, end: socket.socket) -> None:
    with suppress(OSError, EOFError):
        while data := end.recv(_AT_ONCE):
            channel.sendall(data)
    with suppress(OSError, EOFError):  # a connection that is lost was closed already
        channel.shutdown_write()


def _out(channel: paramiko.Channel, end: socket.socket) -> None:
    with suppress(OSError, EOFError):
        while data := channel.recv(_AT_ONCE):
            end.sendall(data)
    with suppress(OSError, EOFError):
        channel.close()
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)  # who reads sees the end, who writes an error
    end.close()
