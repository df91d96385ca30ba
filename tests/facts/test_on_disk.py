"""What files alone say of a system that does not run, and what they must leave unknown."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sshdoctor import facts
from sshdoctor.disk import Disk
from sshdoctor.model import Unknown

LIVE = ("addresses", "bans", "conntrack", "listeners", "processes")
OFF = "the system on this disk is not running"
KEYWORDS = b"\0".join(
    [b"", b"port", b"listenaddress", b"permitrootlogin", b"usepam", b"include", b"match", b""]
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The least of a system: a program named sshd, which would leave a trace if it were run, and its unit."""
    for path in ("etc/ssh/sshd_config.d", "usr/sbin", "usr/lib/systemd/system", "etc/systemd/system"):
        (tmp_path / path).mkdir(parents=True)
    sshd = tmp_path / "usr/sbin/sshd"
    sshd.write_bytes(b"#!/bin/sh\ntouch " + bytes(tmp_path / "was-run") + b"\n" + KEYWORDS)
    sshd.chmod(0o755)
    systemd = tmp_path / "usr/lib/systemd/systemd"
    systemd.write_text("")
    systemd.chmod(0o755)
    (tmp_path / "usr/lib/systemd/system/ssh.service").write_text("[Service]\n")
    (tmp_path / "etc/ssh/sshd_config").write_text("Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\n")
    (tmp_path / "etc/passwd").write_text("deploy:x:1000:1000::/home/deploy:/bin/sh\n")
    return tmp_path


def read(root: Path, name: str, user: str = "deploy") -> Any:
    return facts.read_disk([name], Disk(root), user, 60)[name]


@pytest.mark.parametrize("name", LIVE)
def test_what_only_a_running_system_could_say_is_unknown(root: Path, name: str) -> None:
    assert read(root, name) == Unknown(OFF)


@pytest.mark.parametrize("name", facts.names())
def test_an_empty_disk_says_nothing_and_breaks_nothing(tmp_path: Path, name: str) -> None:
    value = read(tmp_path, name)
    assert isinstance(value, Unknown | facts.load(name).VALUE)


@pytest.mark.parametrize("name", facts.names())
def test_nothing_on_the_disk_is_run(root: Path, name: str) -> None:
    read(root, name)
    assert not (root / "was-run").exists()


@pytest.mark.parametrize("name", facts.names())
def test_a_disk_full_of_nonsense_breaks_nothing(root: Path, name: str) -> None:
    nonsense = bytes(range(256)) * 8 + b"\n## passwd\nuid=0\n@@ end @@\n"
    for path in _files(root):
        if path.name != "sshd":
            path.write_bytes(nonsense)
    for extra in ("etc/shadow", "etc/nologin", "etc/hosts.deny", "etc/group", "var/lib/dpkg/status"):
        (root / extra).parent.mkdir(parents=True, exist_ok=True)
        (root / extra).write_bytes(nonsense)
    assert isinstance(read(root, name), Unknown | facts.load(name).VALUE)


def _files(root: Path) -> Iterator[Path]:
    return (path for path in sorted(root.rglob("*")) if path.is_file())


def test_a_configuration_that_was_not_tested_is_never_valid(root: Path) -> None:
    config = read(root, "config")
    assert isinstance(config.state, Unknown)
    assert (config.ports, config.use_pam) == ((22,), True)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("PermitRotLogin no", "Bad configuration option: PermitRotLogin"),
        ("Port ssh", "Badly formatted port number."),
        ("Port 70000", "Badly formatted port number."),
        ("PermitRootLogin maybe", 'unsupported option "maybe".'),
        ("UsePAM", "missing argument."),
        ("PORT 2222", ""),
        ("  # Nonsense here", ""),
        ('Port "2222" # moved', ""),
    ],
)
def test_a_line_that_sshd_refuses_is_named_with_its_drop_in(root: Path, line: str, complaint: str) -> None:
    (root / "etc/ssh/sshd_config.d/50-own.conf").write_text(f"# mine\n{line}\n")
    config = read(root, "config")
    where = "/etc/ssh/sshd_config.d/50-own.conf line 2: "
    assert config.first_error == (f"{where}{complaint}" if complaint else "")
    assert (config.state == "invalid") is bool(complaint)


@pytest.mark.parametrize("target", ["/dev/null", "nothing"])
def test_a_unit_is_masked_by_a_link_to_dev_null_alone(root: Path, target: str) -> None:
    (root / "etc/systemd/system/ssh.service").symlink_to(target)
    service = read(root, "service")
    assert (service.state == "masked") is (target == "/dev/null")
    assert service.at_boot is False


def test_a_unit_that_is_wanted_starts_at_the_boot(root: Path) -> None:
    wants = root / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir()
    (wants / "ssh.service").symlink_to("/usr/lib/systemd/system/ssh.service")
    service = read(root, "service")
    assert (service.at_boot, service.enabled, service.state) == (True, "enabled", Unknown(OFF))
    (root / "etc/ssh/sshd_not_to_be_run").touch()
    assert (read(root, "service").at_boot, read(root, "service").enabled) == (False, "kept back")


def test_accounts_that_another_machine_keeps_are_not_absent(root: Path) -> None:
    assert read(root, "account", "nobody").state == "absent"
    (root / "etc/nsswitch.conf").write_text("passwd: files sss\n")
    assert read(root, "account", "nobody") == Unknown("its accounts are kept by sss as well")


@pytest.mark.parametrize(
    ("content", "odd"),
    [
        ("\ufeffssh-ed25519 AAAAC3Nz deploy".encode(), "mark"),
        ("ssh-ed25519 AAAAC3Nz deploy".encode("utf-16"), "utf-16"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl", "private"),
        (b"---- BEGIN SSH2 PUBLIC KEY ----\nAAAA", "ssh2"),
    ],
    ids=["mark", "utf-16", "private", "ssh2"],
)
def test_what_stands_in_the_place_of_keys_is_told_as_on_a_live_host(
    root: Path, content: bytes, odd: str
) -> None:
    file = root / "home/deploy/.ssh/authorized_keys"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    assert read(root, "account").authorized_files[0].odd == odd


def test_no_hash_and_no_private_key_leaves_the_disk(root: Path) -> None:
    (root / "etc/shadow").write_text("deploy:$y$hash$secret:19000:0:99999:7:::\n")
    key = root / "etc/ssh/ssh_host_ed25519_key"
    key.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nsecretsecret\n")
    key.chmod(0o600)
    said = repr(facts.read_disk(facts.names(), Disk(root), "deploy", 60))
    assert "secret" not in said
    assert read(root, "shadow").password == "set"  # noqa: S105 -- a word for it
    assert read(root, "host_keys").state == "present"


@contextmanager
def unprivileged() -> Iterator[None]:
    """Not root, whoever runs this."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.fixture
def open_root(root: Path) -> Iterator[Path]:
    """The same system where anybody may reach it."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        shutil.copytree(root, folder, dirs_exist_ok=True)
        yield Path(folder)


def test_what_may_not_be_looked_at_is_not_permitted_and_not_missing(open_root: Path) -> None:
    (open_root / "etc/ssh").chmod(0)
    with unprivileged():
        found = facts.read_disk(["config", "host_keys", "service"], Disk(open_root), "deploy", 60)
    assert found == dict.fromkeys(found, Unknown("not permitted"))


def test_rules_that_are_not_read_are_named_and_not_taken_for_none(root: Path) -> None:
    wants = root / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir()
    (wants / "docker.service").symlink_to("/usr/lib/systemd/system/docker.service")
    firewall = read(root, "firewall")
    assert firewall.readable == Unknown("docker makes rules at the boot, which are not read from a disk")
    assert firewall.dumps == ()


@pytest.mark.parametrize(
    ("text", "is_read"),
    [
        ("table inet a { chain b { type filter hook input priority 0; } }\n", True),
        ('include "more"\n', False),
    ],
)
def test_a_file_of_nftables_is_read_as_a_whole_or_not_at_all(root: Path, text: str, is_read: bool) -> None:
    wants = root / "etc/systemd/system/sysinit.target.wants"
    wants.mkdir()
    (wants / "nftables.service").symlink_to("/usr/lib/systemd/system/nftables.service")
    (root / "etc/nftables.conf").write_text(text)
    firewall = read(root, "firewall")
    assert (firewall.nft_json is not None) is is_read
    assert (firewall.readable == Unknown(OFF)) is is_read


def test_rules_that_the_boot_restores_are_told_but_are_not_in_force(root: Path) -> None:
    rules = "*filter\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:INPUT DROP [0:0]\nCOMMIT\n"
    (root / "etc/iptables").mkdir()
    (root / "etc/iptables/rules.v4").write_text(f"# Generated\n{rules}")
    assert read(root, "firewall").dumps == ()  # no service restores them
    wants = root / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir()
    (wants / "netfilter-persistent.service").symlink_to(
        "/usr/lib/systemd/system/netfilter-persistent.service"
    )
    firewall = read(root, "firewall")
    assert [(one.tool, one.family, one.text) for one in firewall.dumps] == [("iptables-save", "ipv4", rules)]
    assert firewall.readable == Unknown(OFF)


def test_a_journal_with_links_is_left_alone(root: Path, tmp_path: Path) -> None:
    folder = root / "var/log/journal/0123456789abcdef0123456789abcdef"
    folder.mkdir(parents=True)
    (folder / "system.journal").symlink_to("/var/log/journal/of-this-machine/system.journal")
    log = read(root, "log")
    assert log.lines == Unknown("no log is kept here")
