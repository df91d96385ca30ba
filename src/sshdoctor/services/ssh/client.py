"""What a client of this machine brings to a login."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

from sshdoctor.model import Login
from sshdoctor.services.ssh.fingerprints import fingerprint

_IDENTITIES = ("id_rsa", "id_ecdsa", "id_ed25519")


def offered_keys(login: Login) -> Iterator[str]:
    """The fingerprints of the login's keys, by their public halves; an agent's are not asked for."""
    files = login.key_files or [str(pathlib.Path.home() / ".ssh" / name) for name in _IDENTITIES]
    for file in files:
        try:
            words = (
                pathlib.Path(f"{file}.pub").expanduser().read_text(encoding="utf-8", errors="replace").split()
            )
        except OSError:
            continue
        mark = fingerprint(words[1]) if len(words) > 1 else None
        if isinstance(mark, str):
            yield mark
