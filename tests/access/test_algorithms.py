"""What the person's own client would not agree to is not agreed to."""

from __future__ import annotations

import socket

import paramiko

from sshdoctor.access.ssh.login import agree_to_no_more
from sshdoctor.model import Login


def test_no_more_is_agreed_to_than_the_clients_own_would() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        transport = paramiko.Transport(ours)
        options = transport.get_security_options()
        kex, ciphers = options.kex, options.ciphers
        told = {
            "hostkeyalgorithms": ("ssh-ed25519", "sk-ssh-ed25519@openssh.com"),
            "ciphers": ("none-of-ours",),
        }
        agree_to_no_more(transport, Login(address="192.0.2.1", port=22, algorithms=told))
        assert tuple(options.key_types) == ("ssh-ed25519",)
        assert (options.kex, options.ciphers) == (kex, ciphers), (
            "what is not told stays, and so does an empty rest"
        )
        transport.close()
