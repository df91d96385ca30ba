"""A broken root file system is mounted and repaired from outside, then booted: a real client gets in."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hosts import engine
from hosts.openssh import try_login
from hosts.testbed import Testbed, TestHost, known_hosts_lines
from preloaded import run_command

pytestmark = pytest.mark.containers

SCHEMA = Path(__file__).parents[2] / "docs" / "report.schema.json"
BROKEN = {
    "sshd-masked": "systemctl mask ssh",
    "sshd-config-invalid": "echo 'PermitRootLogon yes' >>/etc/ssh/sshd_config",
    "host-keys-missing": "rm /etc/ssh/ssh_host_*",
    "host-key-permissions": "chmod 644 /etc/ssh/ssh_host_*_key",
    "nologin-file": "echo maintenance >/etc/nologin",
    "authorized-keys-permissions": "chmod 777 /home/deploy /home/deploy/.ssh",
    "hosts-deny": "echo 'sshd: ALL' >>/etc/hosts.deny",
}
KEYGEN = "printf '#!/bin/sh\\nEND\\n' >/usr/bin/ssh-keygen"
RULES = """
cat >/etc/nftables.conf <<'END'
flush ruleset
table inet filter { chain input { type filter hook input priority filter; tcp dport 22 drop; } }
END
systemctl enable nftables
"""
WHOLE = """
find . -xdev -not -path './var/lib/sshdoctor*' -printf '%p %y %m %U %G %s %l\\n' | sort
find etc -xdev -type f | sort | xargs -d '\\n' sha256sum
"""


@contextmanager
def switched_off(testbed: Testbed, script: str) -> Iterator[tuple[TestHost, Path]]:
    with testbed.host(place=0) as host:
        host.run(script)
        engine.podman("kill", host.container)
        engine.podman("wait", host.container)
        root = Path(engine.podman("mount", host.container))
        (root / "run/nologin").unlink(missing_ok=True)
        yield host, root


def typed(
    task: str, testbed: Testbed, host: TestHost, root: Path, folder: Path, *flags: str
) -> tuple[int, dict[str, Any]]:
    """The exit code and the report of a task that sees the host by its disk alone."""
    web1 = {
        "ansible_host": host.address4,
        "ansible_user": "deploy",
        "ansible_ssh_private_key_file": str(testbed.key),
        "sshdoctor_access": [{"connection": "chroot", "root": str(root)}],
    }
    (folder / "inventory.yml").write_text(json.dumps({"all": {"hosts": {"web1": web1}}}))
    asked = [task, "--host", "web1", "--format", "json", "--timeout", "0.5"]
    done = run_command([*asked, "--inventory", str(folder / "inventory.yml"), *flags], seconds=60)
    assert done.stdout, f"no report; exit {done.returncode}:\n{done.stderr}"
    report = json.loads(done.stdout)
    jsonschema.validate(report, json.loads(SCHEMA.read_text()))
    return done.returncode, report["hosts"][0]


def whole(root: Path) -> str:
    return subprocess.run(["sh", "-ec", WHOLE], cwd=root, capture_output=True, text=True, check=True).stdout


def booted(testbed: Testbed, host: TestHost, folder: Path) -> str:
    """What OpenSSH's client says after a boot, once sshd has had its time to start."""
    engine.podman("umount", host.container)
    engine.podman("start", host.container)
    deadline = time.monotonic() + 20
    known_hosts = folder / "known_hosts"
    while True:
        keys = host.run("cat /etc/ssh/ssh_host_*_key.pub")
        known_hosts.write_text(known_hosts_lines(keys, host.address4))
        said = try_login(
            host.address4, port=22, user="deploy", key=testbed.key, known_hosts=known_hosts, seconds=2
        )
        if said.endswith("exit 0") or time.monotonic() > deadline:
            return said
        time.sleep(0.5)


@pytest.mark.parametrize("cause", BROKEN)
def test_a_disk_is_mended_and_its_system_lets_the_client_in_after_the_boot(
    cause: str, testbed: Testbed, tmp_path: Path
) -> None:
    with switched_off(testbed, BROKEN[cause]) as (host, root):
        before = whole(root)
        code, report = typed("remediate", testbed, host, root, tmp_path, "--check")
        assert (report["repair"]["outcome"], whole(root)) == ("checked", before), report
        code, report = typed("remediate", testbed, host, root, tmp_path, "--yes")
        assert report["repair"]["outcome"] == "mended-on-disk", json.dumps(report, indent=2)
        assert cause in report["remedies"][0]["mends"]
        assert cause not in [one["id"] for one in report["causes"]]
        assert code in (1, 3), "nobody has seen a client get in"
        assert booted(testbed, host, tmp_path).endswith("exit 0")


def test_what_was_mended_on_a_disk_can_be_undone(testbed: Testbed, tmp_path: Path) -> None:
    with switched_off(testbed, BROKEN["nologin-file"]) as (host, root):
        before = whole(root)
        _, report = typed("remediate", testbed, host, root, tmp_path, "--yes")
        assert report["repair"]["outcome"] == "mended-on-disk" and whole(root) != before
        _, report = typed("undo", testbed, host, root, tmp_path, "--yes")
        assert report["repair"]["outcome"] == "undone"
        assert whole(root) == before


def test_a_task_that_fails_on_a_disk_is_put_back(testbed: Testbed, tmp_path: Path) -> None:
    evil = f"{BROKEN['nologin-file']}; {BROKEN['host-keys-missing']}; {KEYGEN}"
    evil = evil.replace("END", "echo half >/etc/ssh/ssh_host_rsa_key; exit 1")
    with switched_off(testbed, evil) as (host, root):
        before = whole(root)
        code, report = typed("remediate", testbed, host, root, tmp_path, "--yes")
        assert (code, report["repair"]["outcome"]) == (4, "rolled-back"), json.dumps(report, indent=2)
        assert whole(root) == before


def test_tasks_that_are_killed_on_a_disk_take_no_earlier_repair_back(
    testbed: Testbed, tmp_path: Path
) -> None:
    with switched_off(testbed, BROKEN["nologin-file"]) as (host, root):
        _, report = typed("remediate", testbed, host, root, tmp_path, "--yes")
        assert report["repair"]["outcome"] == "mended-on-disk"
        for key in root.glob("etc/ssh/ssh_host_*"):
            key.unlink()
        (root / "usr/bin/ssh-keygen").write_text(
            "#!/bin/sh\necho half >/etc/ssh/ssh_host_rsa_key; kill -KILL -1\n"
        )
        before = whole(root)
        _, report = typed("remediate", testbed, host, root, tmp_path, "--yes")
        assert report["repair"]["outcome"] == "rolled-back", json.dumps(report, indent=2)
        assert whole(root) == before


def test_what_no_playbook_mends_on_a_disk_is_left_for_after_the_boot(
    testbed: Testbed, tmp_path: Path
) -> None:
    with switched_off(testbed, f"{RULES}{BROKEN['sshd-masked']}") as (host, root):
        _, report = typed("diagnose", testbed, host, root, tmp_path)
        assert {cause["id"] for cause in report["causes"]} == {"firewall-drops", "sshd-masked"}
        _, report = typed("remediate", testbed, host, root, tmp_path, "--yes")
        assert report["repair"]["outcome"] == "mended-on-disk", json.dumps(report, indent=2)
        assert "firewall-drops: no playbook mends that on a disk" in report["repair"]["forecast"]


def rules_here() -> list[str]:
    said = subprocess.run(["iptables-save"], capture_output=True, text=True, check=True).stdout
    return [line for line in said.splitlines() if line.startswith("-A")]


def mounts_here() -> list[str]:
    """This machine's, but those of containers, which other tests begin and end meanwhile."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [line for line in lines if "/containers/" not in line]


@pytest.mark.alone  # hosts of other tests that begin meanwhile have rules here
def test_nothing_of_this_machine_is_met_from_the_disk(testbed: Testbed, tmp_path: Path) -> None:
    """A program of the disk that would change rules, processes and mounts changes none of this machine's."""
    evil = """
    rm /usr/sbin/sshd
    printf '#!/bin/sh\\niptables -I INPUT -j DROP\\nkill -9 -1\\nmount -t tmpfs none /mnt\\n' >/usr/sbin/sshd
    chmod 755 /usr/sbin/sshd
    """
    with switched_off(testbed, BROKEN["host-keys-missing"] + evil) as (host, root):
        rules = rules_here()
        mounts = mounts_here()
        typed("remediate", testbed, host, root, tmp_path, "--yes")
        assert rules_here() == rules
        assert mounts_here() == mounts
