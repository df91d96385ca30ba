"""known_hosts files, line by line."""

from __future__ import annotations

import base64
import hashlib
import hmac
import stat
from pathlib import Path

import pytest

from sshdoctor.access.ssh.known_hosts import add_known_key, known_hosts_files, known_keys
from sshdoctor.model import Login

KEY = b"\0\0\0\x0bssh-ed25519 the key"
LINE = f"ssh-ed25519 {base64.b64encode(KEY).decode()} comment"


def hashed(name: str) -> str:
    salt = b"0123456789abcdef0123"
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return "|1|" + "|".join(base64.b64encode(part).decode() for part in (salt, digest))


@pytest.mark.parametrize(
    ("names", "host", "port", "known"),
    [
        ("web1", "web1", 22, True),
        ("web1", "WEB1", 22, True),
        ("web1,192.0.2.1", "192.0.2.1", 22, True),
        ("web1", "web10", 22, False),
        ("web1", "web1", 2222, False),
        ("[web1]:2222", "web1", 2222, True),
        ("[web1]:2222", "web1", 22, False),
        ("[2001:db8::1]:2222", "2001:db8::1", 2222, True),
        ("*.example.org", "a.example.org", 22, True),
        ("*.example.org,!b.example.org", "b.example.org", 22, False),
        ("web?", "web1", 22, True),
        (hashed("web1"), "web1", 22, True),
        (hashed("web1"), "web2", 22, False),
        (hashed("[web1]:2222"), "web1", 2222, True),
        ("|1|not base64|x", "web1", 22, False),
    ],
)
def test_a_line_speaks_of_the_names_in_it(
    tmp_path: Path, names: str, host: str, port: int, known: bool
) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"# comment\n\n{names} {LINE}\n")
    assert bool(known_keys([file], host, port)) is known


def test_a_key_is_found_with_its_file_and_line_and_marker(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(
        f"other {LINE}\n@revoked web1 {LINE}\n@cert-authority *1 {LINE}\nweb1 ssh-rsa !!!\nweb1\n"
    )
    found = known_keys([file, tmp_path / "missing"], "web1", 22)
    assert [(key.file, key.line, key.marker) for key in found] == [
        (str(file), 2, "@revoked"),
        (str(file), 3, "@cert-authority"),
    ]
    assert found[0].key == KEY


def test_a_new_key_is_appended_and_nothing_else_is_changed(tmp_path: Path) -> None:
    file = tmp_path / ".ssh" / "known_hosts"
    add_known_key(file, "web1", 2222, "ssh-ed25519", KEY)
    assert file.read_text() == f"[web1]:2222 {LINE.removesuffix(' comment')}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_last_line_without_an_end_is_not_joined_to_the_new_one(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"old {LINE}")
    add_known_key(file, "web1", 22, "ssh-ed25519", KEY)
    assert file.read_text().splitlines()[0] == f"old {LINE}"
    assert known_keys([file], "web1", 22)[0].line == 2


def test_a_login_without_files_uses_the_users_and_the_systems_own() -> None:
    names = [str(file) for file in known_hosts_files(Login(address="web1", port=22))]
    assert names[0].endswith("/.ssh/known_hosts")
    assert "/etc/ssh/ssh_known_hosts" in names


def test_files_that_are_named_stand_alone() -> None:
    assert known_hosts_files(Login(address="web1", port=22, known_hosts=("/a",))) == (Path("/a"),)
