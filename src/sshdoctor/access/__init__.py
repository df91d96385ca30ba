"""The ways into a host: SSH, this machine, a container, a mounted disk."""

from __future__ import annotations

import socket as sockets

from sshdoctor.access.base import Access
from sshdoctor.errors import AccessError
from sshdoctor.model import WayIn

__all__ = ["open_way"]


def open_way(
    way: WayIn, *, socket: sockets.socket | None = None, timeout: float, accept_new_host_key: bool = False
) -> Access:
    """Open one way in; ``socket`` is an SSH server's, connected, its banner unread.

    ``timeout`` in seconds holds for each step (connect, key exchange, authentication). Raises
    AccessError; for SSH mostly a LoginError (see base.py) with what was learnt. A given socket is
    closed in any case, at the latest by the access's ``close``.
    """
    if way.connection == "ssh" and way.login is not None:
        from sshdoctor.access.ssh.connection import open_ssh  # costs 0.15 s: only those who use it pay

        return open_ssh(
            way.login,
            become=way.become,
            socket=socket,
            timeout=timeout,
            accept_new_host_key=accept_new_host_key,
        )
    if socket is not None:
        socket.close()
    if way.connection == "local":
        from sshdoctor.access.local import open_local

        return open_local(become=way.become, timeout=timeout)
    if way.connection == "podman" or way.connection == "docker":
        from sshdoctor.access.container import open_container

        return open_container(way.connection, way.target, become=way.become, timeout=timeout)
    if way.connection == "chroot":
        from sshdoctor.access.chroot import open_chroot

        return open_chroot(way.target, become=way.become)
    raise AccessError("unsupported", "a capture is a record: nothing can be run there")
