"""Files that never end, on a live host and on a disk."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from attacks.harness import Scene, run

SECONDS, BYTES = 20, 400 * 2**20


@pytest.mark.containers
def test_drop_ins_that_include_each_other_end(systemd: Scene) -> None:
    lines = "Include /etc/ssh/sshd_config.d/*.conf\\n" * 8
    systemd.host.run(f"for n in 1 2 3; do printf '{lines}' >/etc/ssh/sshd_config.d/$n.conf; done")
    started = time.monotonic()
    done = systemd.admin.asks("diagnose")
    assert time.monotonic() - started < 3 * SECONDS
    assert "sshd-config-invalid" in done.causes


def disk(folder: Path) -> Path:
    root = folder / "disk"
    for path in ("etc/ssh/sshd_config.d", "usr/sbin", "bin", "var/log", "home/deploy/.ssh", "var/lib/dpkg"):
        (root / path).mkdir(parents=True)
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\ndeploy:x:1000:1000::/home/deploy:/bin/sh\n")
    (root / "etc/ssh/sshd_config").write_text("Include /etc/ssh/sshd_config.d/*.conf\n")
    (root / "usr/sbin/sshd").write_bytes(Path("/usr/sbin/sshd").read_bytes())
    (root / "bin/sh").write_bytes(b"\x7fELF")
    (root / "bin/true").touch(0o755)
    return root


def loops(root: Path) -> None:
    text = "Include /etc/ssh/sshd_config.d/*.conf\n" * 8
    for number in range(8):
        (root / f"etc/ssh/sshd_config.d/{number}.conf").write_text(text)


def long_lines(root: Path) -> None:
    for path in (
        "etc/ssh/sshd_config",
        "etc/hosts.deny",
        "etc/passwd",
        "var/log/auth.log",
        "etc/nftables.conf",
    ):
        (root / path).write_text(" " * 2**20 + "\t" * 2**20 + "x" * 2**20 + "\n" + '"\\' * 2**20)


def many_keys(root: Path) -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl x\n"
    (root / "home/deploy/.ssh/authorized_keys").write_text(key * 90_000)


def a_large_dpkg_status(root: Path) -> None:
    entry = "Package: p{}\nStatus: install ok installed\nVersion: 1\nDescription: x\n x\n\n"
    with (root / "var/lib/dpkg/status").open("w") as file:
        for number in range(600_000):
            file.write(entry.format(number))


def many_drop_ins(root: Path) -> None:
    for number in range(60_000):
        (root / f"etc/ssh/sshd_config.d/{number}.conf").write_text("Port 22\n")


def sparse_files(root: Path) -> None:
    for path in (
        "etc/ssh/sshd_config",
        "var/log/auth.log",
        "var/lib/dpkg/status",
        "etc/passwd",
        "etc/nftables.conf",
    ):
        with (root / path).open("ab") as file:
            file.truncate(2**40)


def folders_full_of_units(root: Path) -> None:
    for number in range(20_000):
        path = root / f"etc/systemd/system/ssh{number}.service"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("[Unit]\n")


EACH = [loops, long_lines, many_keys, a_large_dpkg_status, many_drop_ins, sparse_files, folders_full_of_units]


@pytest.mark.alone
@pytest.mark.parametrize("lay", EACH, ids=lambda each: each.__name__)
def test_a_disk_costs_no_more_than_its_budget(lay: Callable[[Path], None], tmp_path: Path) -> None:
    root = disk(tmp_path)
    lay(root)
    variables = {
        "ansible_host": "127.0.0.1",
        "ansible_port": 9,
        "ansible_user": "deploy",
        "sshdoctor_access": [{"connection": "chroot", "root": str(root)}],
    }
    (tmp_path / "inventory.yml").write_text(json.dumps({"all": {"hosts": {"web1": variables}}}))
    limited = (
        f"import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_AS, ({BYTES}, {BYTES}));"
        "sys.argv[0] = 'sshdoctor'; runpy.run_module('sshdoctor.cli', run_name='__main__')"
    )
    task = ["diagnose", "--host", "web1", "--inventory", str(tmp_path / "inventory.yml"), "--format", "json"]
    started = time.monotonic()
    done = run([sys.executable, "-c", limited, *task])
    assert time.monotonic() - started < SECONDS
    assert "Traceback" not in done.stderr
    report = json.loads(done.stdout)["hosts"][0]
    assert report["access"]["via"] == "chroot"
    assert report["verdict"] != "healthy"
