"""The ways into a host: SSH, this machine, a container, a mounted disk; and the client of who sits here."""

from __future__ import annotations

import socket as sockets
from importlib import import_module
from typing import TYPE_CHECKING

from sshdoctor.access.base import Access, Offers
from sshdoctor.errors import AccessError
from sshdoctor.model import Login, Unknown, WayIn

if TYPE_CHECKING:
    from sshdoctor.access.ssh.key_file import KeyFault
    from sshdoctor.access.ssh.openssh import OpensshAnswer

__all__ = ["ask_own_client", "forced_command", "key_fault", "offers_of", "open_way", "prepare"]


def prepare() -> None:
    """Import what a login takes (0.15 s), while something else is waited for."""
    import_module("sshdoctor.access.ssh.connection")


def ask_own_client(login: Login, word: str, timeout: float) -> OpensshAnswer | None:
    """What the person's own client comes to, where it may be another reply than ``word``; else None."""
    from sshdoctor.access.ssh.openssh import ask_openssh, differs  # few dials need it

    return ask_openssh(login, timeout, shared=word == "ok") if differs(login, word) else None


def offers_of(login: Login, keys: tuple[str, ...] | Unknown) -> Offers:
    """What a login would bring along: ``keys`` to offer, and the host's keys that known_hosts files hold.

    A host that may show a certificate, or whose key is revoked, is known by none.
    """
    from sshdoctor.access.ssh.known_hosts import fingerprint, known_hosts_files, known_keys  # few need it

    alias = login.host_key_alias or login.options.get("hostkeyalias")
    lines = known_keys(known_hosts_files(login), alias or login.address, 22 if alias else login.port)
    marks = (
        () if any(one.marker for one in lines) else tuple((one.type, fingerprint(one.key)) for one in lines)
    )
    return Offers(keys=keys, host_keys=marks)


def key_fault(path: str) -> KeyFault | None:
    """What the person's own client holds against a key file, None if nothing."""
    from sshdoctor.access.ssh import key_file

    return key_file.key_fault(path)


def wants_passphrase(path: str) -> bool:
    """Whether the private key in the file is encrypted."""
    from sshdoctor.access.ssh import key_file

    return key_file.wants_passphrase(path)


def forced_command(path: str) -> str:
    """What a certificate of the client's has the server run in place of the shell, "" for nothing."""
    from sshdoctor.access.ssh import certificate

    return certificate.forced_command(path)


def open_way(
    way: WayIn, *, socket: sockets.socket | None = None, timeout: float, accept_new_host_key: bool = False
) -> Access:
    """Open one way in; ``socket`` is an SSH server's, connected, its banner unread.

    ``timeout`` in seconds holds for each step (connect, key exchange, authentication). Raises
    AccessError; for SSH mostly a LoginError (see base.py) with what was learnt. A given socket is
    closed in any case, at the latest by the access's ``close``.
    """
    if way.connection == "ssh" and way.login is not None:
        from sshdoctor.access.ssh.connection import open_ssh  # see prepare

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
