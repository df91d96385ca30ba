"""Logins that fail, each at a real sshd, and the word and the detail that they get."""

from __future__ import annotations

import base64
import socket
import stat
from pathlib import Path

import pytest

from access.conftest import StartSshd
from access.servers import Sshd, failure_of, make_key, says_hello
from sshdoctor.access.ssh.connection import open_ssh
from sshdoctor.access.ssh.known_hosts import fingerprint, known_keys
from sshdoctor.errors import AccessError
from sshdoctor.model import Secret

pytestmark = pytest.mark.containers


def fingerprint_in(file: Path) -> str:
    (line,) = known_keys([file], "127.0.0.1", int(file.read_text().split("]:")[1].split()[0]))
    return fingerprint(line.key)


def test_the_login_uses_the_socket_that_was_dialled(sshd: Sshd) -> None:
    sock = socket.create_connection(("127.0.0.1", sshd.port))
    name = sock.getsockname()
    access = (
        open_ssh(sshd.login(address="nosuch.invalid", host_key_alias="x"), socket=sock, timeout=5)
        if 0
        else None
    )
    assert access is None
    opened = open_ssh(sshd.login(), socket=sock, timeout=5)
    client = opened.run("echo $SSH_CLIENT", timeout=5).stdout.split()
    assert [client[0].decode(), int(client[1])] == list(name)
    opened.close()
    assert sock.fileno() == -1


# --- host keys


def test_an_unknown_host_key_is_refused_with_its_fingerprint(sshd: Sshd, tmp_path: Path) -> None:
    failure = failure_of(sshd.login(known_hosts=(str(tmp_path / "none"),)))
    offered = fingerprint_in(sshd.known_hosts)
    assert failure.word == "host-key-unknown"
    assert failure.host_key == offered
    assert failure.detail == (
        f"[127.0.0.1]:{sshd.port} offers the ssh-ed25519 key {offered}, which is in no known_hosts file; "
        "--accept-new-host-key accepts it"
    )


def test_a_first_host_key_can_be_accepted_and_is_then_known(sshd: Sshd, tmp_path: Path) -> None:
    login = sshd.login(known_hosts=(str(tmp_path / "ssh" / "known_hosts"),))
    assert says_hello(login, accept_new_host_key=True)
    assert stat.S_IMODE((tmp_path / "ssh" / "known_hosts").stat().st_mode) == 0o600
    assert says_hello(login)


def test_a_changed_host_key_is_refused_even_if_new_ones_are_accepted(sshd: Sshd, tmp_path: Path) -> None:
    sshd_knows = fingerprint_in(sshd.known_hosts)
    other = tmp_path / "known_hosts"
    kind, key, *_ = make_key(tmp_path / "other").with_suffix(".pub").read_text().split()
    other.write_text(f"\n[127.0.0.1]:{sshd.port} {kind} {key}\n")
    before = other.read_bytes()
    failure = failure_of(sshd.login(known_hosts=(str(other),)), accept_new_host_key=True)
    assert failure.word == "host-key-changed"
    assert failure.host_key == sshd_knows
    assert failure.known_host_keys == (fingerprint_in(other),)
    assert f"{other}:2 has {fingerprint_in(other)}" in failure.detail
    assert f"ssh-keygen -f {other} -R '[127.0.0.1]:{sshd.port}'" in failure.detail
    assert other.read_bytes() == before


def test_a_revoked_host_key_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    revoked = tmp_path / "known_hosts"
    line = sshd.known_hosts.read_text()
    revoked.write_text(f"{line}@revoked {line}")
    failure = failure_of(sshd.login(known_hosts=(str(revoked),)))
    assert (failure.word, "is revoked" in failure.detail) == ("host-key-changed", True)


def test_a_known_key_of_another_type_is_asked_for(start_sshd: StartSshd, tmp_path: Path) -> None:
    rsa = make_key(tmp_path / "rsa", "rsa")
    sshd = start_sshd(f"HostKey {rsa}")
    sshd.know(rsa.with_suffix(".pub"))
    assert says_hello(sshd.login())


def test_a_host_known_by_another_type_alone_is_unknown_and_not_accepted(sshd: Sshd, tmp_path: Path) -> None:
    kind, key, *_ = make_key(tmp_path / "rsa", "rsa").with_suffix(".pub").read_text().split()
    file = tmp_path / "known_hosts"
    file.write_text(f"[127.0.0.1]:{sshd.port} {kind} {key}\n")
    failure = failure_of(sshd.login(known_hosts=(str(file),)), accept_new_host_key=True)
    assert failure.word == "host-key-unknown"
    assert f"known are other types of key: {fingerprint_in(file)} (ssh-rsa)" in failure.detail


def test_a_line_for_a_certificate_authority_is_mentioned(sshd: Sshd, tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"@cert-authority {sshd.known_hosts.read_text()}")
    failure = failure_of(sshd.login(known_hosts=(str(file),)))
    assert (failure.word, "@cert-authority" in failure.detail) == ("host-key-unknown", True)


def test_a_host_key_alias_is_looked_up_instead_of_the_address(sshd: Sshd, tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(sshd.known_hosts.read_text().replace(f"[127.0.0.1]:{sshd.port}", "web1"))
    assert says_hello(sshd.login(known_hosts=(str(file),), host_key_alias="web1"))


# --- algorithms


def test_no_common_cipher_shows_both_lists(start_sshd: StartSshd) -> None:
    sshd = start_sshd("Ciphers chacha20-poly1305@openssh.com")
    failure = failure_of(sshd.login())
    assert (failure.word, failure.detail) == ("kex-failed", "Incompatible ssh server (no acceptable ciphers)")
    assert failure.server_algorithms["cipher"] == ("chacha20-poly1305@openssh.com",)
    assert "aes256-ctr" in failure.client_algorithms["cipher"]


def test_no_common_key_exchange_shows_both_lists(start_sshd: StartSshd) -> None:
    sshd = start_sshd("KexAlgorithms sntrup761x25519-sha512@openssh.com")
    failure = failure_of(sshd.login())
    assert failure.word == "kex-failed"
    assert "sntrup761x25519-sha512@openssh.com" in failure.server_algorithms["kex"]


# --- authentication


def test_a_refused_key_is_named_with_the_methods_that_the_server_takes(sshd: Sshd, tmp_path: Path) -> None:
    other = make_key(tmp_path / "other")
    failure = failure_of(sshd.login(key_files=(str(other),)))
    offered = fingerprint(base64.b64decode(other.with_suffix(".pub").read_text().split()[1]))
    assert failure.word == "auth-denied"
    assert failure.client_keys == (offered,)
    assert failure.methods == ("publickey", "password", "keyboard-interactive")
    assert offered in failure.detail


def test_a_key_behind_a_passphrase_is_not_asked_for(sshd: Sshd, tmp_path: Path) -> None:
    locked = make_key(tmp_path / "locked", passphrase="secret")  # noqa: S106  # made for this test
    failure = failure_of(sshd.login(key_files=(str(locked),)))
    assert (failure.word, failure.client_keys) == ("auth-denied", ())
    assert f"{locked} needs a passphrase: ssh-add {locked}" in failure.detail


def test_a_key_file_that_is_not_there_or_is_none_is_said(sshd: Sshd, tmp_path: Path) -> None:
    junk = tmp_path / "junk"
    junk.write_text("junk")
    failure = failure_of(sshd.login(key_files=(str(tmp_path / "missing"), str(junk))))
    assert f"{tmp_path / 'missing'}: No such file or directory" in failure.detail
    assert f"{junk} is no key that can be used here" in failure.detail


def test_too_many_keys_are_told_in_the_servers_own_words(start_sshd: StartSshd, tmp_path: Path) -> None:
    sshd = start_sshd("MaxAuthTries 2")
    keys = tuple(str(make_key(tmp_path / f"key{number}")) for number in range(4))
    failure = failure_of(sshd.login(key_files=keys))
    assert failure.word == "auth-denied"
    assert failure.detail.startswith("Too many authentication failures")
    assert len(failure.client_keys) < 4


def test_a_server_that_takes_no_keys_is_offered_none(start_sshd: StartSshd) -> None:
    failure = failure_of(start_sshd("PubkeyAuthentication no").login())
    assert (failure.word, failure.client_keys) == ("auth-denied", ())
    assert "publickey" not in failure.methods


def test_a_wrong_password_is_said_and_shown_nowhere(sshd: Sshd) -> None:
    login = sshd.login(key_files=("/nonexistent",), password=Secret("hunter2"))
    failure = failure_of(login)
    assert (failure.word, "the password was refused" in failure.detail) == ("auth-denied", True)
    assert "hunter2" not in repr(failure)


# --- sessions


def test_a_server_without_sessions_is_session_closed(start_sshd: StartSshd) -> None:
    access = open_ssh(start_sshd("MaxSessions 0").login(), timeout=5)
    with pytest.raises(AccessError) as caught:
        access.run("true", timeout=5)
    assert caught.value.word == "session-closed"
    access.close()


def test_a_server_that_goes_away_during_a_script_is_no_result(start_sshd: StartSshd) -> None:
    access = open_ssh(start_sshd().login(), timeout=5)
    output = access.run("echo before; sleep 1; kill -9 $(cut -d' ' -f4 /proc/$$/stat)", timeout=5)
    assert (output.stdout, output.status, output.error) == (b"before\n", None, "the connection was lost")
    with pytest.raises(AccessError, match="session-closed"):
        access.run("true", timeout=5)
    access.close()


def test_a_server_that_lets_a_login_wait_has_refused_no_key(start_sshd: StartSshd) -> None:
    waits = "AuthorizedKeysCommand /bin/sleep 30\nAuthorizedKeysCommandUser root\n"
    server = start_sshd(waits)
    (server.folder / "authorized_keys").write_text("")
    failure = failure_of(server.login())
    assert failure.word == "auth-denied"
    assert "Authentication timeout" in failure.detail
