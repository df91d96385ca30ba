"""What a certificate that ssh-keygen signed has the server run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sshdoctor.access.ssh.certificate import forced_command


def keygen(*words: str) -> None:
    subprocess.run(["ssh-keygen", "-q", *words], check=True, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
@pytest.mark.parametrize("command", ["/usr/local/bin/backup --all", ""])
def test_the_command_is_read(kind: str, command: str, tmp_path: Path) -> None:
    for name in ("ca", "user"):
        keygen("-t", kind, "-N", "", "-f", str(tmp_path / name))
    forcing = ["-O", f"force-command={command}"] if command else []
    key = tmp_path / "user.pub"
    options = [*forcing, "-O", "source-address=192.0.2.0/24"]
    keygen("-s", str(tmp_path / "ca"), "-I", "id", "-n", "deploy,ops", *options, str(key))
    assert forced_command(str(tmp_path / "user-cert.pub")) == command


@pytest.mark.parametrize("text", [b"", b"ssh-ed25519-cert-v01@openssh.com AAAA", b"a ////", b"\xff \xff"])
def test_what_is_no_certificate_forces_nothing(text: bytes, tmp_path: Path) -> None:
    file = tmp_path / "cert.pub"
    file.write_bytes(text)
    assert forced_command(str(file)) == ""
