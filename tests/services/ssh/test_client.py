"""The keys that ssh would offer are told by their public halves, without a passphrase."""

from __future__ import annotations

import subprocess
from pathlib import Path

from sshdoctor.model import Login, Unknown
from sshdoctor.services.ssh.client import offered_keys


def made(path: Path, *options: str) -> str:
    """The fingerprint of a new key at ``path``."""
    subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-f", str(path), *options), check=True)
    listed = subprocess.run(("ssh-keygen", "-lf", str(path)), check=True, capture_output=True, text=True)
    return listed.stdout.split()[1]


def offered(path: Path) -> tuple[str, ...] | Unknown:
    only = {"identitiesonly": "yes"}
    return offered_keys(Login(address="192.0.2.1", port=22, key_files=(str(path),), options=only))


def test_a_key_with_a_passphrase_is_known_by_the_half_inside(tmp_path: Path) -> None:
    mark = made(tmp_path / "key", "-N", "secret")
    (tmp_path / "key.pub").unlink()
    assert offered(tmp_path / "key") == (mark,)


def test_a_file_that_tells_nothing_leaves_the_keys_unknown(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n")
    assert isinstance(offered(tmp_path / "key"), Unknown)


def test_no_key_is_offered_by_a_client_that_is_told_so(tmp_path: Path) -> None:
    made(tmp_path / "key", "-N", "")
    login = Login(
        address="192.0.2.1",
        port=22,
        key_files=(str(tmp_path / "key"),),
        options={"pubkeyauthentication": "no"},
    )
    assert offered_keys(login) == ()
